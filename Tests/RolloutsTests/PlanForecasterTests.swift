import CanaryAnalysis
import Fleet
import Testing

@testable import Rollouts

@Suite struct PlanForecasterTests {
    private static let effort = StepForecaster.Effort(assignments: 4_001, runs: 200)

    private static func policy(
        _ steps: [StepSize], tolerance: Double = 1.5, deadline: Double = 3_600
    ) throws -> Policy {
        Policy(
            name: try PolicyName("calm"), steps: steps, deadlineSeconds: deadline,
            metrics: [
                MetricPolicy(name: "failures", relativeTolerance: tolerance), MetricPolicy(name: "latency"),
            ], smallFleetDevices: 10)
    }

    private static func forecast(_ policy: Policy, devices: Int) -> PlanForecast {
        let fleet = ForecastFleet(
            (0..<devices).map { _ in
                ForecastFleet.Device(requestsPerTick: 20, history: Tally(count: 5_000, total: 50))
            })
        let outlook = FleetOutlook(
            devices: devices, away: 0, requestsPerTick: 20, failureRate: fleet.failureRate,
            deviceSpread: fleet.deviceSpread, drift: nil, exposedFrom: 3, isMeasured: false)
        return PlanForecaster(policy, fleet, outlook, effort: effort).forecast(rolloutsPerYear: 100)
    }

    @Test("a plan that can see its tolerance has no faults, and its time is that of its steps together")
    func sees() throws {
        let policy = try Self.policy([.percent(10), .percent(100)])
        let forecast = Self.forecast(policy, devices: 600)
        #expect(forecast.faults.isEmpty)
        #expect(forecast.steps.map(\.cohort) == [60, 480] && forecast.steps.map(\.listed) == [600, 540])
        // Half for the first step; the second shares the other half with the watch.
        #expect(zip(forecast.steps, [0.0045, 0.00225]).allSatisfy { abs($0.share - $1) < 1e-12 })
        let whole = try #require(forecast.promotion?.median)
        let parts = forecast.steps.compactMap(\.promotion.median)
        #expect(parts.count == 2 && abs(whole - parts[0] - parts[1]) < 5)
        #expect(parts.allSatisfy { $0 >= policy.soakSeconds / 60 - 0.26 })
        #expect(forecast.notForecast == ["latency"])
        #expect(forecast.falseRollbacks.perYear == 1)
        #expect(abs(forecast.falseRollbacks.perYearAtLowBudget - 0.2) < 1e-12)
    }

    @Test("a step that finds its tolerance too seldom is named, with what would help")
    func blind() throws {
        let forecast = Self.forecast(
            try Self.policy([.devices(4), .percent(100)], tolerance: 1.25, deadline: 900), devices: 300)
        let fault = try #require(forecast.faults.first)
        #expect(fault.code == .harmUnseen && fault.step == 1)
        #expect(fault.sentence.hasPrefix("step 1 (4 of 300 devices) finds the tolerated x1.25 by its deadline in "))
        #expect(fault.sentence.contains("a longer deadline"))
        #expect(forecast.faults.contains { $0.code == .proofUnreached && $0.step == 1 })
        #expect(forecast.promotion?.median == nil)
    }

    @Test("a first step that is too small for its list is a fault that names the first step and the fleet it takes")
    func cannotDecide() throws {
        let forecast = Self.forecast(try Self.policy([.devices(3), .percent(100)]), devices: 10)
        let first = try #require(forecast.steps.first)
        #expect(!first.canDecide && !first.advancesUnproven && forecast.rules == nil)
        // Three of thirteen are 286 ways, three of twelve are 220: 0.45 % of those is less than one.
        #expect(first.devicesNeeded == 13)
        #expect(forecast.faults.first?.code == .cannotDecide)
        // Five of ten are 252 ways, four are 210.
        let said = "it takes 13 devices in the deployment, a first step of 5 or a larger error budget"
        #expect(forecast.faults.first?.sentence.contains(said) == true)
    }

    @Test(
        "a fleet of which no cohort at all could decide goes by rules, one device at a time, and says what a test needs"
    )
    func noCohort() throws {
        var policy = try Self.policy([.devices(3), .percent(100)])
        policy.smallFleetDevices = 0
        // Four of nine are 126 ways.
        let forecast = Self.forecast(policy, devices: 9)
        let rules = try #require(forecast.rules)
        #expect(forecast.steps.isEmpty && forecast.faults.isEmpty)
        #expect(rules.method == .absolute && rules.devices == 9 && rules.devicesNeeded == 13)
        #expect(rules.soakMinutes == 120 && rules.totalMinutes == 1080 && forecast.promotion?.median == 1080)
        #expect(rules.sentence.contains("9 devices are too few for a test by this policy: a test needs 13 devices."))
        #expect(rules.sentence.contains("not proven"))
    }

    @Test("a fleet under the policy's number goes by rules whatever its draws could show")
    func small() throws {
        var policy = try Self.policy([.percent(50), .percent(100)])
        policy.smallFleetDevices = 20
        #expect(Self.forecast(policy, devices: 19).rules?.devicesNeeded == 20)
        #expect(Self.forecast(policy, devices: 20).rules == nil)
    }

    @Test("many devices at a few sites that are drawn whole are as few as their sites")
    func fewSites() throws {
        var policy = try Self.policy([.percent(50), .percent(100)])
        policy.unit = "site"
        #expect(policy.isTooSmall(devices: 600, units: 9) && !policy.isTooSmall(devices: 600, units: 10))
        #expect(policy.devicesNeeded == nil)
    }

    @Test("a later step that cannot decide is no fault: it advances on soak alone")
    func unproven() throws {
        let forecast = Self.forecast(try Self.policy([.devices(14), .percent(100)], tolerance: 3), devices: 17)
        let last = try #require(forecast.steps.last)
        #expect(last.listed == 3 && last.cohort == 1 && !last.canDecide && last.advancesUnproven)
        #expect(!forecast.faults.contains { $0.step == 2 })
        #expect(last.promotion.median == 10)
    }

    @Test("where sites are drawn they are what counts: a plan sees less than with as many single devices")
    func sites() throws {
        let policy = try Self.policy([.percent(10), .percent(100)])
        let devices = (0..<600).map { _ in
            ForecastFleet.Device(requestsPerTick: 20, history: Tally(count: 5_000, total: 50))
        }
        func forecast(sites: Int) -> PlanForecast {
            let fleet = ForecastFleet(
                ForecastFleet.Device.sums(devices, by: devices.indices.map { "s\($0 % sites)" }), drift: 0.1)
            let outlook = FleetOutlook(
                devices: 600, away: 0, requestsPerTick: 20, failureRate: 0.01, deviceSpread: 0, drift: 0.1,
                exposedFrom: 3, isMeasured: true, units: FleetUnits(label: "site", count: sites))
            return PlanForecaster(policy, fleet, outlook, effort: Self.effort).forecast(rolloutsPerYear: 1)
        }
        let (many, few) = (forecast(sites: 60), forecast(sites: 12))
        #expect(
            many.steps.map(\.units) == [
                UnitCounts(label: "site", canaries: 6, others: 54), UnitCounts(label: "site", canaries: 48, others: 6),
            ])
        #expect(many.steps.map(\.cohort) == [60, 480] && many.steps.map(\.listed) == [600, 540])
        let alone = ForecastFleet(devices, drift: 0.1)
        let single = PlanForecaster(
            policy, alone,
            FleetOutlook(
                devices: 600, away: 0, requestsPerTick: 20, failureRate: 0.01, deviceSpread: 0, drift: 0.1,
                exposedFrom: 3, isMeasured: true), effort: Self.effort
        ).forecast(rolloutsPerYear: 1)
        let (seen, seenOfSites) = (single.steps[0].smallestEffect, many.steps[0].smallestEffect)
        #expect(try #require(seen) < (try #require(seenOfSites)))
        // Two of twelve sites are 66 ways, two of twenty 190: none may cross at 0.45 %; three of 21 are 1,330.
        #expect(!few.steps[0].canDecide)
        let fault = try #require(few.faults.first)
        #expect(fault.sentence.hasPrefix("step 1 (2 sites, 100 of 600 devices) cannot decide"))
        #expect(few.steps[0].devicesNeeded == 1_050)
    }

    @Test("a hundred devices or more are served by the default policy, their last step and watch included")
    func defaults() throws {
        let policy = Policy(name: try PolicyName("calm"))
        for devices in [100, 200] {
            let forecast = Self.forecast(policy, devices: devices)
            #expect(forecast.faults.isEmpty, "\(devices) devices")
            #expect(forecast.steps.last?.canDecide == true && forecast.rules == nil)
        }
    }

    @Test("the watch compares those that a holdback keeps with the rest, and sees less than the steps")
    func watch() throws {
        let policy = try Self.policy([.percent(10), .percent(100)])
        let watch = try #require(Self.forecast(policy, devices: 600).watch)
        // Of the 60 that no step drew 2 % of 600 stay behind; the last step and the watch have an equal share.
        #expect(watch.listed == 60 && watch.held == 12 && watch.hours == 24)
        #expect(abs(watch.share - 0.00225) < 1e-12)
        let seen = try #require(watch.smallestEffect)
        #expect(seen > 1.1 && seen < 1.5 && watch.toleranceFound > 0.5)
        // One of two is two ways, and one of them may not cross: nobody is held back.
        let few = try #require(Self.forecast(try Self.policy([.percent(90), .percent(97)]), devices: 60).watch)
        #expect(few.held == 0 && few.smallestEffect == nil && few.toleranceFound == 0)
        var none = policy
        none.holdbackShare = 0
        #expect(Self.forecast(none, devices: 600).watch == nil)
    }

    @Test("a policy's test plan has its budget, soak, deadline and watch in ticks")
    func testPlan() throws {
        let plan = try Self.policy([.percent(5), .percent(50), .percent(100)]).testPlan(step: 2, isAfterProof: true)
        #expect(abs(plan.share - 0.0015) < 1e-12 && plan.soakTicks == 20 && plan.deadlineTicks == 120)
        #expect(plan.watchTicks == 3 * 120 + 2_880 && plan.excuseTicks == 20 && plan.mayAdvanceUnproven)
    }
}
