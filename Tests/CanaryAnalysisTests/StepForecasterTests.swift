import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct StepForecasterTests {
    private static let plan = TestPlan(
        share: 0.0045, updateShare: 0.0005, soakTicks: 10, deadlineTicks: 200, watchTicks: 2_000, excuseTicks: 20,
        mayAdvanceUnproven: false)
    private static let effort = StepForecaster.Effort(assignments: 10_001, runs: 300)

    private static func fleet(_ devices: Int, requests: Double = 20, rate: Double = 0.02) -> ForecastFleet {
        ForecastFleet(
            (0..<devices).map { _ in
                ForecastFleet.Device(requestsPerTick: requests, history: Tally(count: 2_000, total: 2_000 * rate))
            })
    }

    private static func forecaster(_ devices: Int, _ canaries: Int, margin: Margin = .relative(1.5)) -> StepForecaster {
        StepForecaster(
            fleet(devices), ForecastStep(devices: devices, canaries: canaries, plan: plan, margin: margin),
            effort: effort)
    }

    // MARK: - Against the judge

    @Test("the median time to find x2 is that of the judge, within what 25 runs can tell")
    func foundAsByTheJudge() throws {
        let judged = ForecastTimes(
            (0..<25).map { run in
                var step = SimulatedStep(
                    devices: 100, canaries: 10, requests: 20, oldRate: 0.02, newRate: 0.04, margin: .relative(1.5),
                    seed: UInt64(run + 1))
                step.plan = Self.plan
                guard case (let tick, .rollback)? = step.ending(within: 60) else { return nil }
                return tick
            })
        let forecast = try #require(Self.forecaster(100, 10).detection(of: 2).tick(by: 0.5))
        let median = try #require(judged.tick(by: 0.5))
        #expect(abs(forecast / median - 1) < 0.4, "forecast \(forecast), judged \(median)")
    }

    // MARK: - Properties

    @Test("more harm is found sooner, and by a larger cohort too")
    func monotone() throws {
        let forecaster = Self.forecaster(400, 20)
        let medians = try [1.5, 2, 3].map { try #require(forecaster.detection(of: $0).tick(by: 0.5)) }
        #expect(medians[0] > medians[1] && medians[1] > medians[2])
        let larger = try #require(forecaster.detection(of: 1.5, canaries: 80).tick(by: 0.5))
        #expect(larger < medians[0])
    }

    @Test("nothing is proven before the soak's end, and a version that is worse than tolerated hardly ever")
    func proof() throws {
        let forecaster = Self.forecaster(400, 100)
        let good = forecaster.proof()
        #expect(good.share > 0.9)
        #expect((good.ticks.first ?? 0) >= Self.plan.soakTicks)
        #expect(forecaster.proof(of: 1.5).share < 0.09)
        #expect(Self.forecaster(400, 100, margin: .absolute(0.02)).proof().share > 0.9)
    }

    @Test("the smallest effect is found by half of the runs, and the cohort for an effect finds that")
    func smallest() throws {
        let forecaster = Self.forecaster(400, 10)
        let effect = try #require(forecaster.smallestEffect())
        #expect(abs(forecaster.detection(of: effect).share - 0.5) < 0.12)
        let cohort = try #require(forecaster.cohortNeeded(toSee: 1.25))
        #expect(cohort > 1 && cohort < 10)
        #expect(abs(forecaster.detection(of: 1.25, canaries: cohort).share - 0.5) < 0.15)
    }

    @Test("a step with too few possible assignments cannot decide, and nothing is found in it")
    func cannotDecide() {
        let step = ForecastStep(devices: 8, canaries: 3, plan: Self.plan, margin: .relative(1.5))
        #expect(step.assignments == 56 && !step.canDecide)
        let forecaster = StepForecaster(Self.fleet(8), step, effort: Self.effort)
        #expect(forecaster.detection(of: 20).ticks.isEmpty && forecaster.proof().ticks.isEmpty)
        #expect(forecaster.smallestEffect() == nil && forecaster.cohortNeeded(toSee: 20) == nil)
        #expect(ForecastStep(devices: 16, canaries: 5, plan: Self.plan, margin: .relative(1.5)).canDecide)
    }

    @Test("as many assignments are assumed as the judge draws", arguments: [(8, 3), (16, 5), (60, 9)])
    func assignments(devices: Int, canaries: Int) {
        let drawn = Assignments(
            isCanary: (0..<devices).map { $0 < canaries }, strata: (0..<devices).map { _ in 0 },
            share: Self.plan.share, seed: 1)
        let step = ForecastStep(devices: devices, canaries: canaries, plan: Self.plan, margin: .relative(1.5))
        #expect(step.assignments == drawn.count)
    }

    // MARK: - Parts

    @Test("a time is read off between ticks, and is unknown where too few runs have one")
    func times() {
        let times = ForecastTimes([3, 3, 4, nil])
        #expect(times.share == 0.75)
        #expect(times.tick(by: 0.5) == 3.5 && times.tick(by: 0.75) == 4.5 && times.tick(by: 0.9) == nil)
        #expect(ForecastTimes([20, 20]).tick(by: 0.5) == 20)
        #expect(ForecastTimes([]).tick(by: 0.5) == nil)
    }

    @Test("points of a count have its mean and variance", arguments: [(0.1, 0.05), (7, 0.05), (30, 0.2), (200, 0.01)])
    func points(mean: Double, spread: Double) {
        let points = CountPoints(mean: mean, spread: spread)
        let first = zip(points.values, points.weights).reduce(0) { $0 + $1.0 * $1.1 }
        let second = zip(points.values, points.weights).reduce(0) { $0 + ($1.0 - first) * ($1.0 - first) * $1.1 }
        #expect(abs(first / mean - 1) < 0.01)
        #expect(abs(second / (mean + spread * mean * mean) - 1) < 0.02)
        #expect(CountPoints(mean: 0, spread: 0).values == [0])
    }

    @Test("the start of the short window is among the looks, and none is behind the deadline")
    func looks() {
        let looks = ForecastLooks.ofHarm(deadlineTicks: 3_000)
        let known = Set(looks)
        #expect(looks.allSatisfy { $0 <= 20 || known.contains($0 - DeviceLedger.stepWindowTicks) })
        #expect((looks.last ?? 0) + ForecastLooks.uncountedTicks <= 3_000)
        let proof = ForecastLooks.ofProof(soakTicks: 20, deadlineTicks: 100)
        #expect(proof.first == 18 && (proof.last ?? 0) <= 98)
    }

    @Test("a fleet's differences are found beyond chance, and none where there are none")
    func differences() {
        #expect(Self.fleet(50).deviceSpread == 0)
        let mixed = ForecastFleet(
            (0..<100).map { index in
                ForecastFleet.Device(
                    requestsPerTick: 10, history: Tally(count: 10_000, total: index.isMultiple(of: 2) ? 50 : 150))
            })
        #expect(abs(mixed.deviceSpread - 0.5) < 0.05)
        #expect(mixed.residualSpread < 0.02 && mixed.failureRate > 0.0099 && mixed.failureRate < 0.0101)
    }
}
