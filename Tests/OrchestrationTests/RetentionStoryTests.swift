import AuditTrail
import Cryptography
import Fleet
import Foundation
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// What a controller removes because it is kept no longer, and what it says and refuses afterwards.
@Suite struct RetentionStoryTests {
    private static let day = 86_400.0

    /// A fleet that has taken back version 2.
    private func rolledBack(artifacts: MemoryArtifacts = MemoryArtifacts()) throws -> World {
        let world = try World(artifacts: artifacts)
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        #expect(try world.run(atMost: 60) { $0.rollout?.state == .rolledBack })
        return world
    }

    /// Removes all that may go, as the loop does.
    private func removeAll(_ world: World, _ kinds: [RetentionKind] = RetentionKind.allCases) throws -> Int {
        var removals = 0
        for kind in kinds { while try world.controller.removeExpired(kind) { removals += 1 } }
        return removals
    }

    private func removed(_ world: World, _ kind: RetentionKind) -> UInt64 {
        let text = String(decoding: world.registry.render(.text) { _ in }, as: UTF8.self)
        let line = text.split(separator: "\n").first {
            $0.hasPrefix("edgeorch_retention_removed_total{kind=\"\(kind.rawValue)\"}")
        }
        return line?.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
    }

    // MARK: - Evidence

    @Test("evidence goes after its rollout's time, in pieces; decisions stay, and say what they say")
    func evidence() throws {
        let world = try rolledBack()
        let id = try #require(world.rollout?.id)
        let before = try world.controller.evidence(id)
        let rows = before.steps.reduce(0) { $0 + $1.rows.count }
        #expect(rows > 0)
        world.retention = Retention(evidence: .days(30))
        try world.restartController()
        world.time.pass(seconds: 29 * Self.day)
        #expect(try removeAll(world) == 0)
        world.time.pass(seconds: 2 * Self.day)
        let preview = try world.controller.retention(RetentionChoice())
        #expect(preview.expired.first?.count == rows)
        #expect(preview.expired.first?.names == [id.rawValue])
        #expect(try removeAll(world) == before.steps.count)
        #expect(removed(world, .evidence) == UInt64(rows))
        let after = try world.controller.evidence(id)
        #expect(after.steps.isEmpty)
        #expect(after.removedAt == world.time.now)
        #expect(after.decisions == before.decisions)
        #expect(world.rollout?.evidenceRemovedAt == world.time.now)
        #expect(world.rollout?.decisions == before.decisions)
        let rows2 = try world.controller.audit(before: nil, limit: 10).filter { $0.action == "evidence.remove" }
        #expect(rows2.map(\.subject) == ["rollout/\(id)"])
        #expect(rows2.first?.detail == ["rows": "\(rows)", "kept": "30d"])
        // The next controller knows it too, and judges what comes next.
        try world.restartController()
        #expect(try world.controller.evidence(id).removedAt == after.removedAt)
        world.failureRates = [:]
        try world.want(3)
        #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
    }

    @Test("nothing goes of a rollout that is under way or watched, however old it is")
    func underWay() throws {
        let world = try World()
        try world.settle()
        world.retention = Retention(evidence: try #require(KeptTime("1s")))
        try world.restartController()
        _ = try removeAll(world)
        world.policy.watchSeconds = 1_000_000
        try world.want(2)
        var seen: Set<RolloutState> = []
        for _ in 0..<80 {
            try world.run(1)
            #expect(try removeAll(world, [.evidence]) == 0)
            if let state = world.rollout?.state { seen.insert(state) }
        }
        #expect(seen.contains(.watching))
        #expect(try world.controller.evidence(try #require(world.rollout?.id)).steps.isEmpty == false)
    }

    @Test("a removal that the store refuses is counted, makes nobody unready, and is made up for at the next look")
    func refused() throws {
        let store = MemoryStore()
        let world = try World(store: store)
        try world.settle()
        try world.want(2)
        #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
        world.retention = Retention(evidence: .days(1))
        try world.restartController()
        world.time.pass(seconds: 2 * Self.day)
        store.refuseCommits(1)
        #expect(throws: MemoryStore.Refusal.self) { try world.controller.removeExpired(.evidence) }
        #expect(world.controller.unreadyReason() == nil)
        #expect(world.rollout?.evidenceRemovedAt == nil)
        #expect(try removeAll(world) > 0)
        #expect(world.rollout?.evidenceRemovedAt != nil)
    }

    // MARK: - Artifacts

    /// Gives each version a file of its own and one that all have.
    private func withFiles(_ world: World, _ artifacts: MemoryArtifacts) throws -> [Digest] {
        let shared = SHA256().digest(of: [200])
        artifacts.put(shared, at: TestTime.start)
        let own = world.versions.indices.map { SHA256().digest(of: [UInt8(100 + $0)]) }
        try world.store.commit(
            try world.controller.versions(of: world.model).map { version in
                var version = version
                let place = try #require(world.versions.firstIndex { $0.digest == version.digest })
                artifacts.put(own[place], at: TestTime.start)
                version.files = [
                    VersionFile(path: "a", digest: own[place], sizeBytes: 100),
                    VersionFile(path: "b", digest: shared, sizeBytes: 100),
                ]
                return .versionUpdated(version)
            })
        return own
    }

    @Test("artifacts of versions that nothing uses go; what is assigned, wanted, a fallback or was tried lately stays")
    func artifacts() throws {
        let artifacts = MemoryArtifacts()
        let world = try rolledBack(artifacts: artifacts)
        let own = try withFiles(world, artifacts)
        world.retention = Retention(artifacts: .days(30))
        try world.restartController()
        world.time.pass(seconds: 29 * Self.day)
        #expect(try removeAll(world) == 0)
        world.time.pass(seconds: 2 * Self.day)
        // Version 1 runs everywhere and version 2 is wanted still, though it was rolled back; version 3 is nobody's.
        let preview = try world.controller.retention(RetentionChoice()).expired
        #expect(preview.first { $0.kind == .artifacts }?.names == ["digits v3"])
        #expect(preview.first { $0.kind == .artifacts }?.count == 1)
        #expect(try removeAll(world) == 2)
        #expect(try artifacts.file(own[2]) == nil)
        #expect(try artifacts.files().count == 3)
        #expect(removed(world, .artifacts) == 1)
        let version = try world.controller.version(digest: world.versions[2].digest)
        #expect(version.artifactsRemovedAt == world.time.now)
        #expect(try world.controller.audit(before: nil, limit: 1).first?.subject == "version/digits/v3")
        #expect { try world.want(3) } throws: { error in
            "\((error as? Problem)?.faults ?? [])".contains("push the version again")
        }
        #expect(throws: Problem.self) {
            try world.controller.rollBack(
                world.devices[0].id,
                DeviceRollbackRequest(model: world.model, version: version.version, reason: "try"), by: world.person)
        }
        // Version 2 goes too, once nobody wants it and its rollout is long over.
        try world.want(1)
        #expect(try removeAll(world) == 2)
        #expect(try artifacts.file(own[1]) == nil)
        try world.restartController()
        #expect(try world.controller.version(digest: world.versions[1].digest).artifactsRemovedAt != nil)
    }

    @Test("a version that is pushed again is there again, and its time begins anew")
    func pushedAgain() throws {
        let artifacts = MemoryArtifacts()
        let world = try rolledBack(artifacts: artifacts)
        let own = try withFiles(world, artifacts)
        world.retention = Retention(artifacts: .days(30))
        try world.restartController()
        world.time.pass(seconds: 31 * Self.day)
        #expect(try removeAll(world) == 2)
        artifacts.put(own[2], at: world.time.now)
        let again = try world.controller.transact { draft in
            draft.pushedAgain(try #require(draft.state.versions[world.versions[2].digest]), by: world.person)
        }
        #expect(again.artifactsRemovedAt == nil)
        #expect(again.pushedAgainAt == world.time.now)
        world.time.pass(seconds: 29 * Self.day)
        #expect(try removeAll(world) == 0)
        world.failureRates = [:]
        #expect(try world.want(3).rollout != nil)
    }

    @Test("uploads that stopped go after a week; files of no version wait as long as a version's")
    func uploads() throws {
        let artifacts = MemoryArtifacts()
        let world = try World(artifacts: artifacts)
        artifacts.put(SHA256().digest(of: [1]), at: world.time.now, complete: false)
        artifacts.put(SHA256().digest(of: [2]), at: world.time.now)
        world.time.pass(seconds: 8 * Self.day)
        artifacts.put(SHA256().digest(of: [3]), at: world.time.now, complete: false)
        #expect(try removeAll(world) == 1)
        #expect(try artifacts.files().map(\.digest).contains(SHA256().digest(of: [1])) == false)
        #expect(try artifacts.files().count == 2)
        #expect(removed(world, .uploads) == 1)
        world.retention = Retention(artifacts: .days(10))
        try world.restartController()
        world.time.pass(seconds: 2 * Self.day)
        // The three versions, which nobody uses either, and the file.
        #expect(try removeAll(world, [.artifacts]) == 4)
        #expect(try artifacts.files().map(\.digest) == [SHA256().digest(of: [3])])
    }
}
