import CanaryAnalysis
import Fleet
import Rollouts
import Synchronization
public import WireFormat

extension FleetController {
    /// How often it is to be looked for what is kept no longer, in seconds.
    public var retentionLookSeconds: Double { surroundings.retention.lookSeconds }

    /// Removes a little of what is kept no longer: as much as holds nothing up.
    ///
    /// - Returns: whether there may be more of this kind.
    /// - Throws: what the stores throw; nothing was removed then.
    public func removeExpired(_ kind: RetentionKind) throws -> Bool {
        switch kind {
        case .evidence: try removeEvidence()
        case .audit: try removeAudit()
        case .artifacts: try releaseVersion() || removeFiles(complete: true)
        case .uploads: try removeFiles(complete: false)
        }
    }

    /// It was looked for everything that may go.
    public func retentionLooked() {
        lookedAt.withLock { $0 = now }
    }

    /// Something that is kept no longer could not be removed; it is tried again at the next look.
    public func retentionFailed(_ kind: RetentionKind, _ error: any Error) {
        fleetMetrics.retentionFailed(kind)
        surroundings.log.warning(
            "retention could not remove",
            [
                "kind": kind.rawValue, "error": "\(error)",
                "remedy": "it is tried again; where a right is missing grant it (docs/database.md)",
            ])
    }

    // MARK: - Evidence

    /// So many rows of evidence are removed at once.
    private static let evidenceRows = 200

    private func removeEvidence() throws -> Bool {
        let store = surroundings.store
        let steps = try store.drawnSteps()
        let state = state
        let now = now
        guard let step = steps.first(where: { surroundings.retention.letsEvidenceGo(of: $0, in: state, at: now) })
        else { return false }
        let piece = try store.evidenceExtent(of: step, limit: Self.evidenceRows)
        let isFirst = state.rollouts[step.rollout]?.rollout.evidenceRemovedAt == nil
        let all = try steps.filter { isFirst && $0.rollout == step.rollout }.map {
            try store.evidenceExtent(of: $0, limit: .max)
        }
        try transact { draft in
            draft.isUpkeep = true
            draft.removeEvidence(of: step.rollout, rows: all.map(\.rows).reduce(0, +), kept: surroundings.retention)
            if piece.rows > 0 { draft.add(.removal(.evidence(step, through: Int(piece.last)))) }
            if piece.rows < Self.evidenceRows { draft.add(.removal(.experiment(step))) }
        }
        fleetMetrics.removed(.evidence, count: piece.rows, bytes: UInt64(piece.bytes))
        return true
    }

    // MARK: - Artifacts

    /// So many files are removed at once, and no more once they had so many bytes.
    private static let files = (count: 20, bytes: UInt64(1 << 30))

    /// Notes of one version that its artifacts go; no deployment may want it from then on.
    private func releaseVersion() throws -> Bool {
        let retention = surroundings.retention
        guard !retention.versionsToRelease(state, at: now).isEmpty else { return false }
        return try transact { draft in
            draft.isUpkeep = true
            // Asked again: a deployment may have come to want it meanwhile.
            guard let digest = retention.versionsToRelease(draft.state, at: draft.now).first,
                var version = draft.state.versions[digest]
            else { return false }
            version.artifactsRemovedAt = draft.now
            draft.keep(version)
            draft.audit(
                "controller", "artifacts.remove", "version/\(version.model)/\(version.version)",
                ["digest": digest.hex, "files": "\(version.files.count)", "kept": "\(retention.artifacts)"])
            return true
        }
    }

    private func removeFiles(complete: Bool) throws -> Bool {
        let retention = surroundings.retention
        let listed = try surroundings.artifacts.files().filter { $0.isComplete == complete }
        guard !retention.filesToRemove(listed, state, at: now).isEmpty else { return false }
        // Nothing is registered or deployed meanwhile: whoever comes later sees that the files are gone.
        let removed = try whileNothingChanges { state in
            var removed: [Retention.StoredFile] = []
            var bytes: UInt64 = 0
            for file in retention.filesToRemove(listed, state, at: now).prefix(Self.files.count) {
                guard bytes < Self.files.bytes else { break }
                guard try surroundings.artifacts.remove(file) else { continue }
                removed.append(file)
                bytes += file.sizeBytes
            }
            return removed
        }
        fleetMetrics.removed(
            complete ? .artifacts : .uploads, count: removed.count, bytes: removed.reduce(0) { $0 + $1.sizeBytes })
        return !removed.isEmpty
    }
}

extension Retention {
    /// Whether the evidence of a step may go.
    func letsEvidenceGo(of step: DrawnStep, in state: FleetState, at now: Timestamp) -> Bool {
        state.rollouts[step.rollout].map { letsEvidenceGo(of: $0.rollout, at: now) } ?? false
    }

    /// The versions whose artifacts are there and may go.
    func versionsToRelease(_ state: FleetState, at now: Timestamp) -> [Digest] {
        guard artifacts.seconds != nil else { return [] }
        let needed = state.neededVersions
        let versions = state.versions.values.filter { $0.artifactsRemovedAt == nil }.map { version in
            VersionUse(
                digest: version.digest, pushedAt: version.pushedAgainAt ?? version.createdAt,
                isNeeded: needed.contains(version.digest))
        }
        return letsArtifactsGo(versions, rollouts: state.rollouts.values.map(\.rollout), at: now)
    }

    /// The files that may go as the versions are.
    func filesToRemove(_ files: [StoredFile], _ state: FleetState, at now: Timestamp) -> [StoredFile] {
        func held(by versions: [VersionResource]) -> Set<Digest> { Set(versions.flatMap(\.files).map(\.digest)) }
        return letsGo(
            files, kept: held(by: state.versions.values.filter { $0.artifactsRemovedAt == nil }),
            released: held(by: state.versions.values.filter { $0.artifactsRemovedAt != nil }), at: now)
    }
}

extension FleetState {
    /// The versions that a deployment wants or gives to new devices, or that a device has: to run, running, to return
    /// to.
    fileprivate var neededVersions: Set<Digest> {
        var needed: Set<Digest> = []
        for deployment in deployments.values {
            if let wanted = version(deployment.version, of: deployment.model) { needed.insert(wanted.digest) }
            if let settled = settledVersion(of: deployment.name) { needed.insert(settled.digest) }
        }
        for slot in devices.values.filter({ $0.retiredAt == nil }).flatMap(\.slots) {
            needed.formUnion([slot.run?.digest, slot.fallback?.digest, slot.running].compactMap { $0 })
        }
        return needed
    }
}

extension FleetDraft {
    /// Notes of a rollout that its evidence goes; the decisions stay.
    fileprivate mutating func removeEvidence(of id: RolloutID, rows: Int, kept retention: Retention) {
        guard let rollout = state.rollouts[id]?.rollout, rollout.evidenceRemovedAt == nil else { return }
        change(id) { rollout, now in
            rollout.evidenceRemoved(at: now)
            return []
        }
        audit(
            "controller", "evidence.remove", "rollout/\(id)", ["rows": "\(rows)", "kept": "\(retention.evidence)"])
    }

    /// Keeps a version that changed.
    mutating func keep(_ version: VersionResource) {
        state.versions[version.digest] = version
        add(.versionUpdated(version))
    }

    /// A version that is known was pushed again: its artifacts are there, whether retention had removed them or not.
    mutating func pushedAgain(_ existing: VersionResource, by caller: Caller) -> VersionResource {
        let isOld = now.seconds(since: existing.pushedAgainAt ?? existing.createdAt) >= 86_400
        guard existing.artifactsRemovedAt != nil || isOld else { return existing }
        var version = existing
        version.artifactsRemovedAt = nil
        version.pushedAgainAt = now
        keep(version)
        audit(
            caller.auditName, "version.push-again", "version/\(version.model)/\(version.version)",
            ["digest": version.digest.hex])
        return version
    }
}

extension VersionResource {
    /// What is to be done where a version cannot be deployed because its artifacts are gone.
    var pushAgainRemedy: String {
        "the artifacts of \(model) \(version) were removed"
            + (artifactsRemovedAt.map { " at \($0)" } ?? "")
            + ", because nothing had used them for as long as they are kept; push the version again "
            + "(`edgectl model push`), it keeps its name"
    }
}
