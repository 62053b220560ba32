import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// How often the judge is right, by seeded simulation.
///
/// The fleets are small, so that all assignments are compared and a debug build is quick. The tolerances are four
/// binomial standard deviations.
@Suite struct StepJudgeErrorRateTests {
    /// Twelve devices, four of them canaries: 495 assignments; a tenth of error budget, so that few runs show its
    /// excess.
    private var small: SimulatedStep {
        var step = SimulatedStep(devices: 12, canaries: 4)
        step.plan.share = 0.1
        step.plan.deadlineTicks = 12
        step.plan.watchTicks = 12
        // Nothing else may end a run: only the test of harm is counted.
        step.plan.soakTicks = 1_000
        return step
    }

    private func rollbacks(of step: SimulatedStep, runs: Int, ticks: Int) -> Int {
        (1...runs).count { seed in
            var step = step
            step.seed = UInt64(seed)
            return step.ending(within: ticks)?.recommendation.isRollback == true
        }
    }

    @Test("a harmless version is rolled back no more often than its error budget says", arguments: [0, 0.8])
    func harmless(spread: Double) {
        var step = small
        step.spread = spread
        // At most 10 of 100 expected with a standard deviation of 3: four deviations above.
        #expect(rollbacks(of: step, runs: 100, ticks: 12) <= 22)
    }

    @Test("a harmless version whose devices differ and have no history is not rolled back more often either")
    func unknownHistory() {
        var step = small
        step.spread = 0.8
        step.historyRequests = 0
        #expect(rollbacks(of: step, runs: 100, ticks: 12) <= 22)
    }

    @Test("a version at its margin is proven no more often than the proof's level says")
    func atTheMargin() {
        var step = small
        step.newRate = 0.06
        step.margin = .relative(2)
        step.exposedFrom = 1
        step.plan.soakTicks = 4
        let proven = (1...60).count { seed in
            step.seed = UInt64(seed)
            return step.judgements(ticks: 12).last?.metrics[0].isProven == true
        }
        // At most 3 of 60 expected with a standard deviation of 1.7: four deviations above.
        #expect(proven <= 10)
    }

    // MARK: - The demonstration's figures: 3 % against 15 % and 0.8 %, 20 requests per device and tick

    @Test("a version that fails five times as often is rolled back within eight ticks", arguments: 1...6)
    func demonstrationBad(seed: Int) throws {
        let step = SimulatedStep(newRate: 0.15, spread: 0.3, seed: UInt64(seed))
        let ending = try #require(step.ending(within: 8))
        #expect(ending.recommendation.isRollback)
    }

    @Test("a better version passes its first step of 8 of 24 soon after the soak", arguments: 1...3)
    func demonstrationGoodFirst(seed: Int) throws {
        let step = SimulatedStep(newRate: 0.008, spread: 0.3, seed: UInt64(seed))
        let ending = try #require(step.ending(within: 40))
        #expect(ending.recommendation == .advance(isProven: true))
    }

    @Test("and its second step of 8 of 16", arguments: 1...3)
    func demonstrationGoodSecond(seed: Int) throws {
        var step = SimulatedStep(devices: 16, newRate: 0.008, spread: 0.3, seed: UInt64(seed))
        step.plan.share = 0.0015
        let ending = try #require(step.ending(within: 40))
        #expect(ending.recommendation == .advance(isProven: true))
    }
}
