import CanaryAnalysis
import Fleet
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Stories of placebo rollouts: forty devices that run v1, of which eight install it once more.
@Suite struct PlaceboStoryTests {
    private func settled(change: (World) -> Void = { _ in }) throws -> World {
        let world = try World()
        world.policy.steps = [.devices(8), .percent(100)]
        change(world)
        try world.settle(devices: 40)
        return world
    }

    /// The same with a placebo rollout under way, whose devices have been told.
    private func started(change: (World) -> Void = { _ in }) throws -> World {
        let world = try settled(change: change)
        world.placebo = PlaceboSchedule(everyHours: 1)
        try world.want(1)
        passPeriod(of: world)
        #expect(try world.run(atMost: 3) { $0.rollout?.placebo != nil })
        return world
    }

    /// Time passes to the last seconds of the hour, when its moment has come.
    private func passPeriod(of world: World) {
        world.time.pass(seconds: 3_590 - world.time.now.seconds.truncatingRemainder(dividingBy: 3_600))
    }

    private func passPeriods(of world: World) throws {
        for _ in 0..<3 {
            passPeriod(of: world)
            try world.run(6)
        }
    }

    private func counted(_ world: World, _ outcome: Placebo.Outcome) -> UInt64 {
        world.registry.counter(.placeboRollouts, [world.model.rawValue, outcome.rawValue]).value
    }

    @Test(
        "the drawn devices install their version once more, are judged by what they count from then on, and it passes")
    func passes() throws {
        let world = try started()
        try world.run(3)
        let placebo = try #require(world.rollout)
        #expect(placebo.from == placebo.to && placebo.to == world.versions[0])
        #expect(world.devices.count { $0.reinstalls == 1 } == 8)
        #expect(placebo.progress.exposed == 8 && placebo.judgement?.canaries == 8)
        #expect(try world.run(atMost: 290) { $0.rollout?.state == .completed })
        #expect(world.rollout?.placebo?.outcome == .passed)
        #expect(world.decided == [.advance] && world.rollout?.decisions.allSatisfy(\.dryRun) == true)
        #expect(world.rollout?.progress.drawn == 8, "one step and no more")
        try world.run(5)
        #expect(world.devices.allSatisfy { $0.reinstalls <= 1 } && world.serving(1).count == 40)
        let slots = try world.devices.map { try world.controller.device($0.id).slots[0] }
        #expect(slots.allSatisfy { $0.rollout == nil })
        #expect(counted(world, .passed) == 1)
    }

    @Test("what the act of installing does is found, and nothing is taken back")
    func harm() throws {
        let world = try started { $0.failureRateAfterReinstall = 0.4 }
        #expect(try world.run(atMost: 290) { $0.rollout?.state == .completed })
        #expect(world.rollout?.placebo?.outcome == .falseRollback)
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.kind == .rollback && decision.dryRun && decision.reason == "harm_proven")
        #expect(world.serving(1).count == 40 && world.devices.allSatisfy { $0.reinstalls <= 1 })
        #expect(counted(world, .falseRollback) == 1)
        let evidence = try world.controller.evidence(try #require(world.rollout).id)
        let steps = try evidence.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment,
                rows: try world.store.evidence(rollout: evidence.rollout, step: step.step).map {
                    try TickEvidence(decoding: $0.bytes)
                })
        }
        #expect(DecisionReplay(steps, policies: evidence.metrics).outcome(of: decision) == .reproduced)
    }

    @Test("counts from before a device has installed once more are the old version's")
    func split() throws {
        let world = try started()
        let id = try #require(world.rollout).id
        try world.run(8)
        let stored = try #require(try world.store.experiment(rollout: id, step: 1))
        let rows = try world.store.evidence(rollout: id, step: 1).map { try TickEvidence(decoding: $0.bytes) }
        func places(_ row: TickEvidence, _ counts: (DeviceObservation) -> [Tally]) -> Set<Int> {
            Set(row.observations.filter { counts($0).contains { $0.count > 0 } }.map { Int($0.device) })
        }
        let canaries = Set(stored.experiment.devices.indices.filter { stored.experiment.devices[$0].isCanary })
        let first = try #require(rows.first)
        let last = try #require(rows.last)
        #expect(places(first) { $0.new }.isEmpty && places(first) { $0.old }.isSuperset(of: canaries))
        #expect(places(last) { $0.new } == canaries)
        #expect(places(last) { $0.old }.isDisjoint(with: canaries) && places(last) { $0.old }.count == 32)
    }

    @Test("agents that do not know the order are never taken for exposed, and it ends undecided")
    func oldAgents() throws {
        let world = try settled()
        for device in world.devices { device.knowsReinstall = false }
        world.placebo = PlaceboSchedule(everyHours: 1)
        world.policy.deadlineSeconds = 60
        try world.want(1)
        passPeriod(of: world)
        #expect(try world.run(atMost: 40) { $0.rollout?.placebo?.outcome != nil })
        #expect(world.rollout?.placebo?.outcome == .undecided && world.rollout?.firstExposedAt == nil)
        #expect(world.devices.allSatisfy { $0.reinstalls == 0 })
    }

    @Test("another version ends it at once, and no rollout has less of the budget for it")
    func superseded() throws {
        let world = try started()
        try world.run(2)
        let placebo = try #require(world.rollout).id
        let result = try world.want(2)
        #expect(try world.controller.rollout(placebo).resource.placebo?.outcome == .superseded)
        #expect(result.rollout != placebo && world.rollout?.from == world.versions[0])
        #expect(world.rollout?.placebo == nil && world.rollout?.budget == RolloutBudget(share: 0.2))
        try world.run(1)
        #expect(world.serving(2).count == 8)
        #expect(counted(world, .superseded) == 1)
        try world.order(.promote)
        try world.run(2)
        try world.want(1)
        #expect(world.rollout?.to == world.versions[0] && world.rollout?.budget == RolloutBudget(share: 0.2))
    }

    @Test("applying the same version leaves it alone; applying without a schedule ends it, and so does removing")
    func withdrawn() throws {
        let world = try started()
        let placebo = try #require(world.rollout).id
        #expect(try world.want(1).rollout == nil)
        #expect(world.rollout?.placebo?.outcome == nil)
        world.placebo = nil
        try world.want(1)
        #expect(try world.controller.rollout(placebo).resource.placebo?.outcome == .superseded)
        let other = try started()
        try other.controller.removeDeployment(other.deployment, by: other.person)
        #expect(other.rollout?.placebo?.outcome == .superseded)
    }

    @Test("none starts while a rollout is under way, after a rollback, or without a schedule")
    func unsettled() throws {
        let world = try settled { $0.policy.watchSeconds = 86_400 }
        try passPeriods(of: world)
        #expect(world.rollout?.placebo == nil, "no schedule")
        world.placebo = PlaceboSchedule(everyHours: 1)
        world.policy.deadlineSeconds = 20_000
        world.policy.soakSeconds = 19_000
        try world.want(2)
        try passPeriods(of: world)
        #expect(world.rollout?.placebo == nil && world.rollout?.state == .progressing)
        try world.order(.rollback)
        try passPeriods(of: world)
        #expect(world.rollout?.state == .rolledBack, "another version is wanted than the one that runs")
    }

    @Test("a controller that is killed goes on with it and tells nobody twice")
    func restart() throws {
        let world = try started()
        try world.run(3)
        try world.restartController()
        #expect(try world.run(atMost: 290) { $0.rollout?.state == .completed })
        #expect(world.rollout?.placebo?.outcome == .passed)
        #expect(world.devices.allSatisfy { $0.reinstalls <= 1 })
    }

    @Test("ordinary counters and gauges do not know of it")
    func metrics() throws {
        let world = try started { $0.failureRateAfterReinstall = 0.4 }
        let id = try #require(world.rollout).id
        try world.run(2)
        let page = String(
            decoding: world.registry.render(.text) { world.controller.collect(into: &$0) }, as: UTF8.self)
        #expect(!page.contains("rollout=\"\(id)\""))
        #expect(!page.split(separator: "\n").contains { $0.contains("arm=\"canary\"") && !$0.hasSuffix(" 0") })
        #expect(try world.run(atMost: 290) { $0.rollout?.state == .completed })
        let model = world.model.rawValue
        #expect(world.registry.counter(.rolloutDryRunDecisions, [model, "rollback", "judge"]).value == 0)
        #expect(world.registry.counter(.rolloutDecisions, [model, "rollback", "judge"]).value == 0)
        #expect(world.registry.counter(.rolloutsCompleted, [model, "completed"]).value == 1, "the first installation")
    }

    @Test("a schedule out of bounds is refused")
    func refused() throws {
        let world = try settled()
        world.placebo = PlaceboSchedule(everyHours: 0.1)
        #expect(throws: Problem.self) { try world.want(1) }
    }
}
