import CanaryAnalysis
import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Stories of the end of a rollout: forty devices, of which a tenth is held back.
@Suite struct WatchStoryTests {
    private func promoted(watchSeconds: Double = 2_000, change: (World) -> Void = { _ in }) throws -> World {
        let world = try World()
        world.policy.steps = [.devices(8)]
        world.policy.holdbackShare = 0.1
        world.policy.watchSeconds = watchSeconds
        change(world)
        try world.settle(devices: 40)
        try world.want(2)
        try world.run(1)
        try world.order(.promote)
        try world.run(3)
        return world
    }

    private func tracked(_ world: World) throws -> TrackedRollout {
        try #require(world.controller.state.rollouts.values.max { $0.rollout.createdAt < $1.rollout.createdAt })
    }

    @Test("the rest but a drawn holdback follows a promotion, and the watch is a step of its own")
    func holdback() throws {
        let world = try promoted()
        let held = Set(world.serving(1).map(\.id))
        #expect(world.rollout?.state == .watching && held.count == 4)
        let rollout = try tracked(world).rollout
        #expect(rollout.heldBack == held && rollout.steps.map(\.kind) == [.step, .watch])
        #expect(held != Set(world.devices.suffix(4).map(\.id)), "not the last by name")
        #expect(world.rollout?.step == 1 && world.rollout?.steps == 1)
        #expect(world.rollout?.guarantee?.contains("4 of the last 32 devices") == true)
        let stored = try #require(try world.store.experiment(rollout: rollout.id, step: 2))
        #expect(Set(stored.experiment.devices.filter { !$0.isCanary }.compactMap { DeviceID(rawValue: $0.id) }) == held)
        #expect(world.rollout?.judgement?.canaries == 28 && world.rollout?.judgement?.others == 4)
    }

    @Test("harm that begins late in the watch is found by its own comparison and taken back from everybody")
    func lateHarm() throws {
        let world = try promoted()
        try world.run(200)
        #expect(world.rollout?.state == .watching, "nothing is wrong yet")
        world.failureRates[world.versions[1].digest] = 0.4
        #expect(try world.run(atMost: 120) { $0.rollout?.state == .rolledBack })
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.kind == .rollback && decision.cause == .judge && decision.reason == "harm_proven")
        #expect(world.serving(1).count == 40)
        let evidence = try world.controller.evidence(try #require(world.rollout).id)
        #expect(evidence.steps.map(\.step) == [1, 2])
    }

    @Test("a controller that is killed in the watch knows whom it holds back, and all follow at the end")
    func restart() throws {
        let world = try promoted(watchSeconds: 120)
        let held = Set(world.serving(1).map(\.id))
        try world.restartController()
        try world.run(5)
        #expect(Set(world.serving(1).map(\.id)) == held && held.count == 4)
        #expect(try world.run(atMost: 90) { $0.rollout?.state == .completed })
        try world.run(3)
        #expect(world.serving(2).count == 40)
        let fallbacks = try world.devices.map { try world.controller.device($0.id).slots[0].fallback?.digest }
        #expect(Set(fallbacks) == [world.versions[1].digest])
    }

    @Test("where too few are left everybody follows, and it is said that nothing is compared")
    func tooFew() throws {
        let world = try promoted {
            $0.policy.steps = [.devices(37)]
            $0.policy.holdbackShare = 0.02
        }
        #expect(world.serving(2).count == 40)
        #expect(try tracked(world).rollout.guarantee == .tooFew(left: 3))
        #expect(world.rollout?.guarantee?.contains("nothing new is compared") == true)
    }

    @Test("steps that draw everybody end in a promotion")
    func everyoneDrawn() throws {
        let world = try World()
        world.policy.steps = [.devices(3), .devices(5), .devices(6), .percent(100)]
        try world.settle(devices: 6)
        try world.want(2)
        for _ in 1...3 {
            try world.run(2)
            try world.order(.advance)
        }
        #expect(world.rollout?.decisions.last?.reason == "everyone_drawn")
        #expect(world.rollout?.state == .watching)
    }
}
