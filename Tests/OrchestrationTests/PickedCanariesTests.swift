import CanaryAnalysis
import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Rollouts whose first canaries a person picked, from the declaration to the end.
@Suite struct PickedCanariesTests {
    /// Thirty devices on v1, of which d100 to d107 are in the laboratory.
    private func settled(others: Int = 22) throws -> World {
        let world = try World()
        try world.enrol(8, site: "lab")
        try world.enrol(others)
        try world.want(1)
        try world.run(10)
        return world
    }

    private func drawn(_ world: World) -> [String] {
        world.serving(2).map(\.id.rawValue).sorted()
    }

    private let laboratory = (100...107).map { "d\($0)" }

    @Test("a good version goes to those picked, is proven by the model, and is then drawn for the rest")
    func good() throws {
        let world = try settled()
        world.failureRates[world.versions[1].digest] = 0.01
        world.policy.soakSeconds = 20
        world.canaries = .selector(try Selector("site=lab"))
        try world.want(2)
        try world.run(3)
        #expect(drawn(world) == laboratory)
        #expect(world.rollout?.method == .model && world.rollout?.judgement?.method == .model)
        #expect(try world.run(atMost: 60) { $0.rollout?.step == 2 })
        let decision = try #require(world.rollout?.decisions.first)
        #expect(decision.kind == .advance && decision.reason == "proven" && decision.test == "model-based")
        #expect(decision.sentence.contains("model-based: a person picked the canaries"))
        #expect(world.rollout?.method == .draw)
        #expect(try world.run(atMost: 100) { $0.rollout?.state == .completed })
    }

    @Test("harm on those picked takes the version back, by a finding that says it is model-based")
    func harm() throws {
        let world = try settled()
        world.failureRates[world.versions[1].digest] = 0.3
        world.canaries = .devices(try laboratory.map { try DeviceID($0) })
        try world.want(2)
        #expect(try world.run(atMost: 40) { $0.rollout?.state == .rolledBack })
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.kind == .rollback && decision.test == "model-based" && decision.metric == "failures")
        #expect(decision.sentence.contains("picked by a person"))
        let step = try #require(try world.controller.evidence(try RolloutID("digits-2")).steps.first)
        #expect(step.experiment.plan.method == .model)
        #expect(step.experiment.devices.filter(\.isCanary).map(\.id) == laboratory)
    }

    @Test("canaries that nobody knows, that match nothing or leave nobody are refused, with what to do")
    func refusals() throws {
        let world = try settled()
        func remedies(_ canaries: PickedCanaries) throws -> [String] {
            world.canaries = canaries
            let refusal = #expect(throws: Problem.self) { try world.want(2) }
            return try #require(refusal).faults.filter { $0.field == "canaries" }.map(\.remedy)
        }
        #expect(
            try remedies(.devices([try DeviceID("d100"), try DeviceID("d999")]))
                == ["no such device is enrolled: d999; `edgectl device list` shows the ids"])
        #expect(
            try remedies(.selector(try Selector("site=moon")))
                == ["\"site=moon\" matches no device of this deployment; pick at least four of its devices"])
        #expect(
            try remedies(.selector(.everything))
                == ["all 30 devices are picked and none is left to compare with; pick fewer"])
        #expect(world.rollout?.id.rawValue == "digits-1")
    }

    @Test("while none of those picked is heard the rollout waits, and says for whom")
    func away() throws {
        let world = try settled()
        for device in world.devices.prefix(8) { device.isAway = true }
        world.time.pass(seconds: 700)
        try world.beat()
        world.canaries = .selector(try Selector("site=lab"))
        try world.want(2)
        try world.run(2)
        #expect(world.rollout?.waitReason == "no_eligible_devices")
        #expect(world.rollout?.waitSentence?.contains("site=lab") == true)
        for device in world.devices.prefix(8) { device.isAway = false }
        #expect(try world.run(atMost: 10) { $0.rollout?.method == .model })
    }

    @Test("in a fleet too small for a test those picked go first, one at a time by absolute rules")
    func small() throws {
        let world = try settled(others: 2)
        world.policy.smallFleetDevices = 20
        world.policy.smallFleetSoakSeconds = 10
        world.canaries = .devices([try DeviceID("d105")])
        try world.want(2)
        try world.run(3)
        #expect(world.rollout?.method == .absolute && drawn(world) == ["d105"])
    }

    @Test("the forecast says how many canaries it takes, and that the step is model-based")
    func forecast() throws {
        let world = try settled()
        func forecast(_ canaries: PickedCanaries) throws -> PlanForecast {
            try world.controller.forecast(
                ForecastRequest(
                    deployment: Deployment(
                        name: world.deployment, selector: .everything, model: world.model,
                        version: world.versions[1].name, policy: world.policy.name, canaries: canaries),
                    policy: world.policy))
        }
        let enough = try forecast(.selector(try Selector("site=lab")))
        #expect(enough.steps.first?.method == .model && enough.steps.first?.cohort == 8)
        #expect(enough.faults.filter { $0.step == 1 } == [] && enough.steps.dropFirst().first?.method == nil)
        let few = try forecast(.devices([try DeviceID("d100"), try DeviceID("d101")]))
        let fault = try #require(few.faults.first)
        #expect(fault.code == .cannotDecide && fault.sentence.contains("at least 4 canaries must agree"))
    }
}
