import CanaryAnalysis
import Fleet
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct ForecastTests {
    private func request(_ world: World, policy: Policy? = nil, pace: Double? = nil) throws -> ForecastRequest {
        ForecastRequest(
            deployment: Deployment(
                name: world.deployment, selector: .everything, model: world.model, version: world.versions[1].name,
                policy: world.policy.name), policy: policy ?? world.policy, rolloutsPerYear: pace)
    }

    @Test("before anything was promoted nothing can be forecast, and that is said")
    func firstInstallation() throws {
        let world = try World()
        let forecast = try world.controller.forecast(try request(world))
        #expect(forecast.unknownReason?.contains("nothing to be compared with") == true)
        #expect(forecast.steps.isEmpty && forecast.faults.isEmpty)
    }

    @Test("a settled fleet is forecast from its devices' own histories, without placebo draws")
    func settled() throws {
        let world = try World()
        try world.settle()
        let forecast = try world.controller.forecast(try request(world))
        #expect(forecast.unknownReason == nil)
        #expect(forecast.fleet?.devices == 12 && forecast.fleet?.away == 0 && forecast.fleet?.isMeasured == false)
        #expect(forecast.steps.map(\.cohort) == [4, 4] && forecast.steps.map(\.canDecide) == [true, true])
        #expect(forecast.steps.last?.advancesUnproven == false)
        #expect(forecast.placebo == nil)
        #expect(forecast.falseRollbacks.rolloutsPerYear == 52)
        let rate = try #require(forecast.fleet?.failureRate)
        #expect(rate > 0.03 && rate < 0.07)
    }

    @Test("after a rollout its evidence tells requests and exposure, and is replayed with other draws")
    func measured() throws {
        let world = try World()
        world.policy.soakSeconds = 30
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.01
        try world.want(2)
        _ = try world.run(atMost: 120) { $0.rollout?.state == .completed }
        var next = try request(world)
        next.deployment.version = world.versions[2].name
        let forecast = try world.controller.forecast(next)
        let fleet = try #require(forecast.fleet)
        #expect(fleet.isMeasured && abs(fleet.requestsPerTick - 100) < 5)
        let placebo = try #require(forecast.placebo)
        #expect(placebo.devices == 8 && placebo.draws == 4_000)
    }

    @Test("devices that were not heard lately are away")
    func away() throws {
        let world = try World()
        try world.settle()
        world.time.pass(seconds: 700)
        let forecast = try world.controller.forecast(try request(world))
        #expect(forecast.unknownReason?.contains("was heard in the last 10 minutes") == true)
    }

    @Test("one forecast is made at a time, and wrong figures are refused")
    func refusals() throws {
        let world = try World()
        #expect(throws: Problem.self) { try world.controller.forecast(try request(world, pace: -1)) }
        var policy = world.policy
        policy.errorBudget = 5
        #expect(throws: Problem.self) { try world.controller.forecast(try request(world, policy: policy)) }
        var unknown = try request(world)
        unknown.policy = nil
        #expect(throws: Problem.self) { try world.controller.forecast(unknown) }
        world.controller.forecasting.store(true, ordering: .relaxed)
        let refusal = #expect(throws: Problem.self) { try world.controller.forecast(try request(world)) }
        #expect(refusal?.status == 429)
    }

    @Test("a history's worth in seconds grows with its age up to its half life over ln 2")
    func worth() {
        #expect(abs(VersionHistory.worthSeconds(age: 60) - 60) < 0.1)
        #expect(abs(VersionHistory.worthSeconds(age: 1e9) - 124_649) < 1)
        #expect(VersionHistory.worthSeconds(age: -5) == 0)
    }
}
