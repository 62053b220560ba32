import Fleet
import Rollouts
import Testing

/// What may go, from what there is and how long it is kept.
@Suite struct RetentionTests {
    private static let day = 86_400.0
    private let now = SampleRollout.at(1000 * day)

    private func ago(_ days: Double) -> Timestamp { now.adding(seconds: -days * Self.day) }

    private func digest(_ byte: UInt8) throws -> Digest {
        try #require(Digest(bytes: Array(repeating: byte, count: 32)))
    }

    @Test("a time is a number and its unit, or forever, and reads as it was written")
    func times() {
        for (text, seconds) in [("365d", 31_536_000.0), ("36h", 129_600), ("10m", 600), ("30s", 30)] {
            #expect(KeptTime(text)?.seconds == seconds)
            #expect(KeptTime(text)?.description == text)
        }
        #expect(KeptTime("forever") == .forever)
        #expect(KeptTime.forever.seconds == nil)
        for text in ["", "d", "0d", "-1d", "+1d", "1.5d", "1w", "365 d", "٣d", "999999d", "never", "99999999999s"] {
            #expect(KeptTime(text) == nil, "\(text)")
        }
    }

    @Test("by default nothing but evidence and uploads that stopped ever goes")
    func defaults() {
        let retention = Retention()
        #expect(retention.evidence == .days(365))
        #expect(retention.uploads == .days(7))
        #expect(retention.audit == .forever)
        #expect(retention.artifacts == .forever)
    }

    @Test("it is looked every hour, and more often where something is kept for less than ten hours")
    func looks() throws {
        #expect(Retention().lookSeconds == 3600)
        #expect(Retention(evidence: try #require(KeptTime("1h"))).lookSeconds == 360)
        #expect(Retention(evidence: try #require(KeptTime("1s"))).lookSeconds == 2)
    }

    @Test(
        "evidence goes when its rollout has been over for so long, and in no other state",
        arguments: RolloutState.allCases)
    func evidence(state: RolloutState) throws {
        let rollout = try SampleRollout.inState(state)
        let retention = Retention(evidence: .days(30))
        let over: Set<RolloutState> = [.rolledBack, .completed, .superseded]
        #expect(retention.letsEvidenceGo(of: rollout, at: now) == over.contains(state))
        guard let ended = rollout.endedAt else { return }
        #expect(!retention.letsEvidenceGo(of: rollout, at: ended.adding(seconds: 30 * Self.day - 1)))
        #expect(retention.letsEvidenceGo(of: rollout, at: ended.adding(seconds: 30 * Self.day)) == over.contains(state))
        #expect(!Retention(evidence: .forever).letsEvidenceGo(of: rollout, at: now))
    }

    @Test("that the evidence went is noted once, and of an ended rollout only")
    func noted() throws {
        var running = try SampleRollout.inState(.watching)
        running.evidenceRemoved(at: now)
        #expect(running.evidenceRemovedAt == nil)
        var ended = try SampleRollout.inState(.completed)
        ended.evidenceRemoved(at: ago(1))
        ended.evidenceRemoved(at: now)
        #expect(ended.evidenceRemovedAt == ago(1))
    }

    @Test("the audit log begins behind the last checkpoint that is old enough, and moves by a day at least")
    func audit() {
        let retention = Retention(audit: .days(100))
        let signed = [120.0, 110, 100, 99.9, 1].map(ago)
        #expect(retention.auditBeginning(signed, beganAt: nil, at: now) == 2)
        #expect(retention.auditBeginning(signed, beganAt: ago(130), at: now) == 2)
        #expect(retention.auditBeginning(signed, beganAt: ago(100.5), at: now) == nil)
        #expect(retention.auditBeginning(Array(signed.suffix(2)), beganAt: nil, at: now) == nil)
        #expect(retention.auditBeginning([], beganAt: nil, at: now) == nil)
        #expect(Retention().auditBeginning(signed, beganAt: nil, at: now) == nil)
    }

    // MARK: - Artifacts

    private func gone(_ versions: [Retention.VersionUse], _ rollouts: [Rollout] = []) -> [Digest] {
        Retention(artifacts: .days(30)).letsArtifactsGo(versions, rollouts: rollouts, at: now)
    }

    private func version(_ byte: UInt8, days: Double, needed: Bool = false) throws -> Retention.VersionUse {
        Retention.VersionUse(digest: try digest(byte), pushedAt: ago(days), isNeeded: needed)
    }

    @Test("artifacts go when their version is old and nothing needs it")
    func unused() throws {
        let versions = [
            try version(1, days: 31), try version(2, days: 29), try version(3, days: 900, needed: true),
            try version(4, days: 30),
        ]
        #expect(gone(versions) == [try digest(1), try digest(4)])
        #expect(Retention().letsArtifactsGo(versions, rollouts: [], at: now).isEmpty)
    }

    @Test("both versions of a rollout stay until it has been over for as long", arguments: RolloutState.allCases)
    func rollouts(state: RolloutState) throws {
        let rollout = try SampleRollout.inState(state)
        // The sample goes from version 1 to version 2 and ends in the first two days.
        let versions = [try version(1, days: 1000), try version(2, days: 1000), try version(3, days: 1000)]
        let isOver = rollout.endedAt != nil
        let expected: [UInt8] = isOver ? [1, 2, 3] : [3]
        #expect(try gone(versions, [rollout]) == expected.map { try digest($0) })
        guard let ended = rollout.endedAt else { return }
        let soon = ended.adding(seconds: 30 * Self.day - 1)
        let early = versions.map { use in
            Retention.VersionUse(digest: use.digest, pushedAt: SampleRollout.at(-30 * Self.day), isNeeded: false)
        }
        #expect(
            Retention(artifacts: .days(30)).letsArtifactsGo(early, rollouts: [rollout], at: soon) == [try digest(3)])
    }

    @Test("a file goes with its version, unless another one has it; one of no version waits as long as a version")
    func files() throws {
        func file(_ byte: UInt8, _ days: Double, complete: Bool = true) throws -> Retention.StoredFile {
            Retention.StoredFile(
                digest: try digest(byte), sizeBytes: 10, storedAt: ago(days), isComplete: complete)
        }
        let files = [
            try file(1, 900), try file(2, 1), try file(3, 900), try file(4, 31), try file(5, 29),
            try file(6, 8, complete: false), try file(7, 6, complete: false),
        ]
        func going(_ retention: Retention) throws -> [Digest] {
            retention.letsGo(
                files, kept: [try digest(1), try digest(3)], released: [try digest(1), try digest(2)], at: now
            ).map(\.digest)
        }
        #expect(try going(Retention(artifacts: .days(30))) == [2, 4, 6].map { try digest($0) })
        // Artifacts that are gone by an earlier setting are gone; nothing else goes.
        #expect(try going(Retention()) == [2, 6].map { try digest($0) })
    }
}
