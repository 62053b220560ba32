import Testing

@testable import CanaryAnalysis

@Suite struct ModelForecastTests {
    private func forecast(
        canaries: Int = 8, others: Int = 92, variation: Double, share: Double = 0.01
    ) -> ModelForecast {
        var plan = TestPlan.hours
        plan.share = share
        return ModelForecast(
            canaries: canaries, others: others, spread: variation * variation, failuresPerTick: 0.6, plan: plan,
            metrics: 1)
    }

    /// Source: m >= max(4, (ln(1 / alpha) + ln 8) / (k (r - 1 - ln r))), by hand at alpha = 1 %.
    @Test(
        "the canaries needed follow the rule of planning",
        arguments: [(1.0, 1.1, 1426), (1, 1.25, 249), (1, 1.5, 71), (1, 2, 22), (1, 3, 8), (0.3, 2, 4), (0.3, 1.5, 7)])
    func rule(variation: Double, ratio: Double, needed: Int) throws {
        let found = try #require(forecast(variation: variation).canariesNeeded(toFind: ratio))
        #expect(abs(found - needed) <= 1)
    }

    @Test("devices never differ by less than is assumed of every fleet")
    func floor() {
        #expect(forecast(variation: 0).canariesNeeded(toFind: 1.25) == 10)
        #expect(forecast(variation: 0.2).canariesNeeded(toFind: 1.25) == 10)
    }

    @Test("fewer than four canaries, or too few others, decide nothing")
    func few() {
        #expect(!forecast(canaries: 3, variation: 0.1).canDecide)
        #expect(!forecast(canaries: 96, others: 3, variation: 0.1).canDecide)
        #expect(forecast(canaries: 4, variation: 0.1).canDecide)
        #expect(forecast(canaries: 3, variation: 0.1).tick(ofFinding: 10) == nil)
    }

    @Test("larger harm is found sooner, and what more canaries than there are would find is not found")
    func times() throws {
        let forecast = forecast(variation: 0.3)
        let (three, two) = (forecast.tick(ofFinding: 3), forecast.tick(ofFinding: 2))
        #expect(try #require(three) < #require(two))
        #expect(forecast.tick(ofFinding: 1.1) == nil)
        let smallest = try #require(forecast.smallestEffect)
        #expect(smallest > 1.3 && smallest < 1.7)
        #expect(try #require(forecast.tick(ofProving: 3)) >= 10)
    }
}

extension TestPlan {
    fileprivate static var hours: TestPlan {
        TestPlan(
            share: 0.0045, updateShare: 0.0005, soakTicks: 10, deadlineTicks: 600, watchTicks: 43_200,
            excuseTicks: 300, mayAdvanceUnproven: false)
    }
}
