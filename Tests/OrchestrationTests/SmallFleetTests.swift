import CanaryAnalysis
import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Fleets that no test can serve, from the declaration to the end.
@Suite struct SmallFleetTests {
    /// A fleet on v1 whose rollouts go by absolute rules, with a soak of ten ticks.
    private func settled(devices: Int) throws -> World {
        let world = try World()
        world.policy.smallFleetDevices = 20
        world.policy.smallFleetSoakSeconds = 20
        try world.settle(devices: devices, rounds: 10)
        return world
    }

    private func request(_ world: World) -> ForecastRequest {
        ForecastRequest(
            deployment: Deployment(
                name: world.deployment, selector: .everything, model: world.model, version: world.versions[1].name,
                policy: world.policy.name), policy: world.policy)
    }

    @Test("a rollout to two devices ends: one, then the other, each watched for the soak, labelled not proven")
    func twoDevices() throws {
        let world = try settled(devices: 2)
        #expect(try world.want(2).rollout?.rawValue == "digits-2")
        try world.run(4)
        #expect(world.serving(2).count == 1)
        let first = try #require(world.rollout)
        #expect(first.method == .absolute && first.step == 1 && first.steps == 2)
        #expect(first.judgement?.method == .absolute && first.judgement?.canDecide == false)
        #expect(try world.run(atMost: 60) { $0.rollout?.state == .completed })
        let rollout = try #require(world.rollout)
        #expect(rollout.decisions.map(\.kind) == [.advance, .promote])
        #expect(rollout.decisions.allSatisfy { $0.reason == "rules_kept" && $0.sentence.contains("not proven") })
        #expect(rollout.decisions.allSatisfy { $0.sentence.contains("a test needs 20 devices on the list") })
        let soak = rollout.decisions[1].at.seconds(since: rollout.decisions[0].at)
        #expect(soak >= 20)
        #expect(world.serving(2).count == 2)
    }

    @Test("a device that fails far more than in its own history takes the version back before the other gets it")
    func worse() throws {
        let world = try settled(devices: 2)
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        var most = 0
        let isBack = try world.run(atMost: 30) { world in
            most = max(most, world.serving(2).count)
            return world.rollout?.state == .rolledBack
        }
        #expect(isBack && most == 1 && world.serving(1).count == 2)
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.reason == "rule_broken" && decision.metric == "failures" && decision.cause == .judge)
        #expect(decision.test == "own history")
    }

    @Test("a device that cannot run the version takes it back at once")
    func failedUpdate() throws {
        let world = try settled(devices: 3)
        for device in world.devices { device.refused = [world.versions[1].digest] }
        try world.want(2)
        #expect(try world.run(atMost: 10) { $0.rollout?.state == .rolledBack })
        #expect(world.rollout?.decisions.map(\.reason) == ["updates_failing"])
    }

    @Test("every decision follows from the stored evidence, after a restart too")
    func replays() throws {
        let world = try settled(devices: 2)
        try world.want(2)
        try world.run(6)
        try world.restartController()
        #expect(try world.run(atMost: 80) { $0.rollout?.state == .completed })
        let evidence = try world.controller.evidence(try RolloutID("digits-2"))
        let steps = try evidence.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment,
                rows: try world.store.evidence(rollout: evidence.rollout, step: step.step).map {
                    try TickEvidence(decoding: $0.bytes)
                })
        }
        let replay = DecisionReplay(steps, policies: evidence.metrics)
        #expect(steps.count == 2 && evidence.decisions.count == 2)
        #expect(evidence.decisions.allSatisfy { replay.outcome(of: $0) == .reproduced })
    }

    @Test("a first step that is too small for a fleet that could be tested stays as planned, and the forecast says so")
    func firstStepTooSmall() throws {
        let world = try settled(devices: 22)
        world.policy.errorBudget = 0.01
        world.policy.steps = [.devices(1), .percent(100)]
        try world.want(2)
        try world.run(4)
        #expect(world.rollout?.method == .draw && world.rollout?.steps == 2)
        #expect(world.rollout?.judgement?.canDecide == false && world.serving(2).count == 1)
        let forecast = try world.controller.forecast(request(world))
        #expect(forecast.rules == nil && forecast.faults.first?.code == .cannotDecide)
        #expect(forecast.faults.first?.sentence.contains("a first step of 3") == true)
    }

    @Test("many devices at so few sites that no draw of whole sites could decide go by rules, device by device")
    func fewSites() throws {
        let world = try World()
        world.policy.unit = "site"
        world.policy.smallFleetDevices = 20
        world.policy.smallFleetSoakSeconds = 20
        world.policy.errorBudget = 0.01
        for site in ["bonn", "kiel", "trier"] { try world.enrol(6, site: site) }
        try world.settle(devices: 6, rounds: 10)
        try world.want(2)
        try world.run(4)
        #expect(world.rollout?.method == .absolute && world.rollout?.steps == 24)
        #expect(world.serving(2).count == 1 && world.rollout?.judgement?.units == nil)
        #expect(try world.run(atMost: 20) { $0.serving(2).count == 2 })
    }

    @Test("the forecast says how it goes, how long it takes and what a test would need, and finds no fault in it")
    func forecast() throws {
        let world = try settled(devices: 2)
        let forecast = try world.controller.forecast(request(world))
        #expect(forecast.faults.isEmpty && forecast.steps.isEmpty)
        let rules = try #require(forecast.rules)
        #expect(rules.devices == 2 && rules.devicesNeeded == 20 && abs(rules.totalMinutes - 40.0 / 60) < 1e-9)
    }
}
