public import Fleet

/// How long what the controller collects is kept, and what may go by that.
///
/// Pure: what there is and the moment come in as arguments.
public struct Retention: Codable, Hashable, Sendable {
    /// How long the evidence of a rollout is kept after its end, its watch included.
    public var evidence: KeptTime
    /// How long a row of the audit log is kept.
    public var audit: KeptTime
    /// How long the artifacts of a version are kept after nothing has used it any more.
    public var artifacts: KeptTime
    /// How long an upload is kept that has stopped.
    public var uploads: KeptTime

    /// Evidence is kept for a year and uploads that stopped for a week; everything else for ever.
    public init(
        evidence: KeptTime = .days(365), audit: KeptTime = .forever, artifacts: KeptTime = .forever,
        uploads: KeptTime = .days(7)
    ) {
        self.evidence = evidence
        self.audit = audit
        self.artifacts = artifacts
        self.uploads = uploads
    }

    /// How often it is looked for what may go, in seconds: every hour, or ten times within the shortest setting.
    public var lookSeconds: Double {
        let shortest = [evidence, audit, artifacts, uploads].compactMap(\.seconds).min()
        return min(3600, max(2, (shortest ?? .infinity) / 10))
    }

    // MARK: - Evidence

    /// Whether a rollout's evidence may go: it is over, nobody is exposed or watched any more, and that was long ago.
    ///
    /// Decisions stay with everything that they say, and so do the devices' own histories, which later draws use.
    public func letsEvidenceGo(of rollout: Rollout, at now: Timestamp) -> Bool {
        guard let seconds = evidence.seconds, rollout.state.isFinal, let ended = rollout.endedAt else { return false }
        return now.seconds(since: ended) >= seconds
    }

    // MARK: - Audit log

    /// Where the audit log may begin: behind the last of its checkpoints that is old enough; nil for where it begins.
    ///
    /// The beginning moves by a day at least, or by a tenth of the setting: each move is a row of the log itself.
    ///
    /// - Parameters:
    ///   - checkpoints: when each was signed, oldest first, none at or before the beginning.
    ///   - beganAt: when the checkpoint was signed that the log begins behind; nil for a log that is whole.
    /// - Returns: an index into `checkpoints`.
    public func auditBeginning(_ checkpoints: [Timestamp], beganAt: Timestamp?, at now: Timestamp) -> Int? {
        guard let seconds = audit.seconds else { return nil }
        let pace = min(86_400, seconds / 10)
        return checkpoints.lastIndex { signed in
            now.seconds(since: signed) >= seconds && beganAt.map { signed.seconds(since: $0) >= pace } ?? true
        }
    }

    // MARK: - Artifacts

    /// What is known about a version's use.
    public struct VersionUse: Hashable, Sendable {
        /// The version.
        public var digest: Digest
        /// When its artifacts were pushed last.
        public var pushedAt: Timestamp
        /// Whether a deployment wants it, or a device has it: to run, running, or to fall back to.
        public var isNeeded: Bool

        /// Describes a version.
        public init(digest: Digest, pushedAt: Timestamp, isNeeded: Bool) {
            self.digest = digest
            self.pushedAt = pushedAt
            self.isNeeded = isNeeded
        }
    }

    /// The versions whose artifacts may go, by digest: nobody needs them, no rollout that goes on is from or to them,
    /// and push and the end of their last rollout were long ago.
    public func letsArtifactsGo(_ versions: [VersionUse], rollouts: [Rollout], at now: Timestamp) -> [Digest] {
        guard let seconds = artifacts.seconds else { return [] }
        var active: Set<Digest> = []
        var lastUse: [Digest: Timestamp] = [:]
        for rollout in rollouts {
            for digest in [rollout.from?.digest, rollout.to.digest].compactMap({ $0 }) {
                if rollout.state.isFinal {
                    lastUse[digest] = max(lastUse[digest] ?? rollout.createdAt, rollout.endedAt ?? now)
                } else {
                    active.insert(digest)
                }
            }
        }
        return versions.filter { version in
            guard !version.isNeeded, !active.contains(version.digest) else { return false }
            let last = max(version.pushedAt, lastUse[version.digest] ?? version.pushedAt)
            return now.seconds(since: last) >= seconds
        }.map(\.digest).sorted()
    }

    /// A file in the artifact store, or an upload of one.
    public struct StoredFile: Hashable, Sendable {
        /// SHA-256 of the complete file: its address.
        public var digest: Digest
        /// Bytes stored.
        public var sizeBytes: UInt64
        /// When a byte was stored last.
        public var storedAt: Timestamp
        /// False for an upload that has not ended.
        public var isComplete: Bool

        /// Describes a file.
        public init(digest: Digest, sizeBytes: UInt64, storedAt: Timestamp, isComplete: Bool) {
            self.digest = digest
            self.sizeBytes = sizeBytes
            self.storedAt = storedAt
            self.isComplete = isComplete
        }
    }

    /// The files that may go: uploads that stopped, and complete files that no version with artifacts has.
    ///
    /// A file of no version at all waits as long as a version would: it may be one of a push that is under way.
    ///
    /// - Parameters:
    ///   - kept: the files of versions whose artifacts are kept.
    ///   - released: the files of versions whose artifacts are gone by retention.
    public func letsGo(
        _ files: [StoredFile], kept: Set<Digest>, released: Set<Digest>, at now: Timestamp
    ) -> [StoredFile] {
        files.filter { file in
            let age = now.seconds(since: file.storedAt)
            guard file.isComplete else { return uploads.seconds.map { age >= $0 } ?? false }
            guard !kept.contains(file.digest) else { return false }
            return released.contains(file.digest) || artifacts.seconds.map { age >= $0 } ?? false
        }
    }
}
