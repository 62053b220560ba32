import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// A good version is proven whatever the canaries' part of the list is, and however far its level is from its history.
@Suite struct ProofRatioTests {
    @Test(
        "the ratio is that of the canaries to their list",
        arguments: [
            (Margin.relative(1.25), 1e-9, 0.3, 0.8), (.relative(1.25), 0.9, 0.3, 0.8 / 0.82),
            // Half fail 0.03, half 0.03 + 0.97 x 0.2 = 0.224.
            (.absolute(0.2), 0.5, 0.127, 0.03 / 0.127),
            // Less than what was turned to failures: nobody fails by himself.
            (.absolute(0.2), 0.5, 0.09, 0.05), (.absolute(0.2), 0.5, 0, 0.05),
        ])
    func ratio(margin: Margin, part: Double, level: Double, expected: Double) {
        #expect(abs(margin.unharmedRatio(part: part, level: level) - expected) < 1e-9)
    }

    private func provenAt(
        _ step: SimulatedStep, within ticks: Int, changing change: (inout StepExperiment) -> Void = { _ in }
    ) -> Int? {
        var experiment = step.experiment
        change(&experiment)
        var judge = StepJudge(experiment)
        return step.evidence(ticks: ticks).map { judge.judge($0) }.first { $0.recommendation.isAdvance }?.tick
    }

    @Test("a short history that happens to be without failures does not stand in the way of a proof", arguments: 1...3)
    func luckyHistory(seed: Int) throws {
        let step = SimulatedStep(
            devices: 12, canaries: 6, requests: 60, margin: .absolute(0.2), seed: UInt64(seed))
        let tick = provenAt(step, within: 40) { experiment in
            for index in experiment.devices.indices { experiment.devices[index].history = [Tally(count: 5, total: 0)] }
        }
        #expect(try #require(tick) <= 20)
    }

    @Test("busy canaries that are nine tenths of their list are proven", arguments: 1...3)
    func largePart(seed: Int) throws {
        let step = SimulatedStep(devices: 40, canaries: 36, requests: 400, seed: UInt64(seed))
        #expect(try #require(provenAt(step, within: 60)) <= 40)
    }

    @Test("a level three times that of the history is no obstacle either", arguments: 1...3)
    func wave(seed: Int) throws {
        let step = SimulatedStep(
            devices: 40, canaries: 10, requests: 400, oldRate: 0.1, newRate: 0.1, margin: .absolute(0.03),
            seed: UInt64(seed))
        let tick = provenAt(step, within: 60) { experiment in
            for index in experiment.devices.indices {
                experiment.devices[index].history = [Tally(count: 10_000, total: 30)]
            }
        }
        #expect(try #require(tick) <= 40)
    }
}
