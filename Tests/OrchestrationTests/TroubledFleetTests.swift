import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// A whole rollout while everything around it fails, from one seed; the invariants hold at every round.
@Suite struct TroubledFleetTests {
    @Test("a bad version is taken back through all troubles, exposed no further than its step", arguments: 1...6)
    func badVersion(seed: UInt64) throws {
        let world = try World(seed: seed)
        world.policy.deadlineSeconds = 100_000
        world.policy.noDataSeconds = 10_000
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.6
        try world.want(2)
        var chance = SeededChance(seed: seed, stream: 3)
        var seen: [Decision] = []
        for _ in 0..<80 {
            try troubledRound(world, &chance)
            let decisions = try #require(world.rollout).decisions
            #expect(Array(decisions.prefix(seen.count)) == seen, "what was decided stays decided")
            seen = decisions
            // Nobody advances it: its first step is all that may be exposed.
            #expect(world.serving(2).count <= 4)
        }
        for device in world.devices { device.link.dropLate() }
        try world.run(12)
        #expect(world.rollout?.state == .rolledBack)
        #expect(world.decided.filter { $0 == .rollback }.count == 1)
        #expect(world.serving(1).count == 12)
        for device in world.devices {
            let totals = try world.controller.device(device.id).totals.map { ($0.digest, $0.totals) }
            #expect(Dictionary(uniqueKeysWithValues: totals) == device.runtime.counted, "\(device.id)")
        }
    }

    private func troubledRound(_ world: World, _ chance: inout SeededChance) throws {
        world.time.pass(seconds: 2)
        if chance.happens(0.05) { try world.restartController() }
        for device in world.devices {
            device.runtime.setDeaf(chance.happens(0.05))
            world.serve(device)
            if chance.happens(0.02) { device.restartRuntime() }
            if chance.happens(0.02) { try device.restartAgent() }
            let fates = SimulatedLink.Fate.allCases
            try device.beat(chance.happens(0.2) ? fates[chance.below(fates.count)] : .arrives)
            if chance.happens(0.1) { device.link.deliverLate() }
        }
        if chance.happens(0.1) { (world.store as? MemoryStore)?.refuseCommits(1) }
        do { try world.controller.tick() } catch { #expect(error is MemoryStore.Refusal) }
        (world.store as? MemoryStore)?.refuseCommits(0)
    }
}
