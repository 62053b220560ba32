import Fleet
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SimulatedWorld

/// Commits whose answer is lost: they count once, whatever became of them.
@Suite struct UnsettledCommitTests {
    private func store(of world: World) throws -> MemoryStore { try #require(world.store as? MemoryStore) }

    @Test(
        "a tick whose answer is lost is counted once, whether it took place or not, however long nobody can say",
        arguments: [true, false], [0, 2])
    func tick(takesPlace: Bool, silences: Int) throws {
        let world = try World()
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        for round in 1...60 where world.rollout?.state != .rolledBack {
            if round.isMultiple(of: 4) { try store(of: world).loseAnswer(takesPlace: takesPlace, silences: silences) }
            // The tick of such a round fails, as it does where a database is away; the next ones find out.
            do { try world.run(1) } catch {}
        }
        for _ in 1...3 { do { try world.controller.tick() } catch {} }
        try world.run(3)
        #expect(world.decided == [.rollback])
        #expect(world.serving(1).count == 12)
        for device in world.devices {
            let totals = try world.controller.device(device.id).totals.map { ($0.digest, $0.totals) }
            #expect(Dictionary(uniqueKeysWithValues: totals) == device.runtime.counted, "\(device.id)")
        }
        let numbers = try world.controller.audit(after: 0, limit: 10_000).map(\.number)
        #expect(numbers == Array(1...UInt64(numbers.count)), "audit rows have no gaps")
        try world.restartController()
        #expect(world.decided == [.rollback])
    }

    @Test("what a caller was not told is shown once it is known, and only if it took place", arguments: [true, false])
    func call(takesPlace: Bool) throws {
        let world = try World()
        try world.settle()
        let device = world.devices[0].id
        let before = try world.controller.device(device).labels
        let wanted = try Labels(["room": "cellar"])
        try store(of: world).loseAnswer(takesPlace: takesPlace, silences: 1)
        #expect(throws: UnsettledCommit.self) {
            try world.controller.patch(device, DevicePatch(labels: wanted), by: world.person)
        }
        #expect(try world.controller.device(device).labels == before, "not before it is known")
        #expect(world.controller.unreadyReason()?.contains("not known") == true)
        #expect(throws: (any Error).self) { try world.controller.tick() }
        #expect(try world.controller.device(device).labels == before)
        try world.controller.tick()
        #expect(try world.controller.device(device).labels == (takesPlace ? wanted : before))
        #expect(world.controller.unreadyReason() == nil)
        _ = try world.controller.patch(device, DevicePatch(labels: wanted), by: world.person)
        try world.restartController()
        #expect(try world.controller.device(device).labels == wanted)
    }
}
