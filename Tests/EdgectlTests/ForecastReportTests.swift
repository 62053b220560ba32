import CanaryAnalysis
import Fleet
import Rollouts
import Terminal
import Testing
import WireFormat

@testable import edgectl

@Suite struct ForecastReportTests {
    private static func deployment() throws -> Deployment {
        Deployment(
            name: try DeploymentName("detector"), selector: .everything, model: try ModelName("detector"),
            version: try VersionName("v2"), policy: try PolicyName("calm"))
    }

    private static func forecast(devices: Int = 30, first: Int = 3) throws -> PlanForecast {
        let policy = Policy(
            name: try PolicyName("calm"), steps: [.devices(first)], deadlineSeconds: 900,
            metrics: [MetricPolicy(name: "failures"), MetricPolicy(name: "latency")])
        let fleet = ForecastFleet(
            (0..<devices).map { _ in
                ForecastFleet.Device(requestsPerTick: 20, history: Tally(count: 5_000, total: 50))
            })
        let outlook = FleetOutlook(
            devices: devices, away: 1, requestsPerTick: 20, failureRate: 0.01, deviceSpread: 0.3, drift: nil,
            exposedFrom: 3, isMeasured: true)
        return PlanForecaster(
            policy, fleet, outlook, effort: StepForecaster.Effort(assignments: 500, runs: 50)
        ).forecast(rolloutsPerYear: 500)
    }

    private static func text(_ forecast: PlanForecast) throws -> String {
        let palette = Palette(hasColour: false, hasUnicode: false)
        return ForecastReport(forecast, of: try deployment(), palette: palette).lines
            .map { $0.rendered(palette) }.joined(separator: "\n")
    }

    @Test("a plan that cannot see its tolerance is called so, with its figures")
    func blind() throws {
        let text = try Self.text(try Self.forecast())
        #expect(text.contains("30 devices, 1 away; 20.0 requests a tick each (measured in the last rollout)"))
        #expect(text.contains(" COHORT ") && text.contains(" GOOD PASSES "))
        #expect(text.contains("false rollbacks: 5.0 a year at 500 rollouts and a budget of 1.00 %; 1.0 at 0.20 %"))
        #expect(text.contains("placebo draws: none, no evidence of an earlier rollout is stored"))
        #expect(text.contains("not forecast: latency"))
        #expect(text.contains("a version that changes nothing is promoted in "))
        #expect(text.contains("cannot see its tolerance: step 1 (3 of 30 devices) finds the tolerated x1.25 "))
    }

    @Test("a first step that can decide nothing finds nothing and proves nothing, and is called so")
    func undecidable() throws {
        let text = try Self.text(try Self.forecast(first: 1))
        #expect(text.contains("........ 0 %"))
        #expect(text.contains("a version that changes nothing is promoted in 0 % of cases"))
        #expect(text.contains("cannot see its tolerance: step 1 (1 of 30 devices) cannot decide"))
    }

    @Test("a fleet that no test can serve is told how it goes instead, how long, and what a test would need")
    func rules() throws {
        let text = try Self.text(try Self.forecast(devices: 9))
        #expect(text.contains("not proven: 9 devices are too few for a test by this policy: a test needs 20 devices."))
        #expect(text.contains("one device at a time, 2 h each, 18 h in all, judged by absolute rules"))
        #expect(!text.contains("COHORT") && !text.contains("cannot see its tolerance"))
    }

    @Test("placebo draws are shown against what is expected of them")
    func placebo() throws {
        var forecast = try Self.forecast()
        forecast.placebo = PlaceboResult(devices: 90, ticks: 60, draws: 4_000, crossed: 8, nominal: 0.0021)
        #expect(try Self.text(forecast).contains("8 of 4000 crossed (0.20 %), 0.21 % are expected to, over 60 ticks"))
    }

    @Test("the watch is told with whom it compares and what it sees, or that it compares nothing")
    func watch() throws {
        var forecast = try Self.forecast()
        forecast.watch = WatchOutlook(
            listed: 60, held: 12, hours: 24, share: 0.002, smallestEffect: 1.31, toleranceFound: 0.4)
        #expect(
            try Self.text(forecast).contains(
                "the watch of 1d00h keeps 12 of 60 devices on the old version and sees x1.31; it finds harm of x1.25 "
                    + "that is there from its start in 40 % of cases"))
        forecast.watch?.held = 0
        #expect(try Self.text(forecast).contains("compares nothing: no draw of the 60 devices left could decide"))
    }

    @Test("where nothing can be forecast, the reason is said")
    func unknown() throws {
        let forecast = PlanForecast(
            policy: Policy(name: try PolicyName("calm")), unknownReason: "there is no traffic", rolloutsPerYear: 52)
        #expect(try Self.text(forecast).contains("nothing can be forecast: there is no traffic"))
    }

    @Test("a deployment is forecast with the policy that a file declares beside it")
    func requests() throws {
        let policy = Policy(name: try PolicyName("calm"))
        let deployment = try Self.deployment()
        let requests = RolloutForecast.requests([.policy(policy), .deployment(deployment)], rolloutsPerYear: 9)
        #expect(requests == [ForecastRequest(deployment: deployment, policy: policy, rolloutsPerYear: 9)])
        #expect(RolloutForecast.requests([.deployment(deployment)]).first?.policy == nil)
    }

    @Test("what is not applied says why, and how to go on all the same")
    func refusal() throws {
        let text = ForecastCheck.refusal(try Self.deployment(), ["step 1 is too small"])
        #expect(text.hasPrefix("deployment/detector was not applied: its plan cannot see the tolerance it names"))
        #expect(text.contains("  step 1 is too small") && text.contains("--accept-forecast"))
        #expect(edgectl.ExitStatus.blindPlan.rawValue == 6)
    }
}
