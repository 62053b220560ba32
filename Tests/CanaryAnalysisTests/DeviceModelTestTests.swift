import FleetSimulation
import RealModule
import Testing

@testable import CanaryAnalysis

/// How often the test by a model of devices is right, by seeded simulation of gamma-Poisson devices.
@Suite struct DeviceModelTestTests {
    /// A step whose devices differ by gamma-distributed factors.
    struct Fleet: Sendable, CustomTestStringConvertible {
        var name: String
        var devices = 100
        var canaries = 8
        /// The standard deviation of a device's factor, whose mean is 1.
        var variation: Double
        var historyRequests = 0.0
        /// How many failures a device of the mean has in a tick of twenty requests.
        var failures = 0.6
        var ratio = 1.0
        var margin = Margin.relative(1.5)
        var ticks = 40

        var testDescription: String { name }

        /// What came of a run: harm that matters, and a proof of safety.
        func run(seed: Int) -> (isHarm: Bool, isProven: Bool) {
            var chance = Chance(seed: UInt64(seed), stream: 7)
            let shape = 1 / (variation * variation)
            let factors = (0..<devices).map { _ in chance.gamma(shape: shape) / shape }
            var plan = TestPlan.demonstration
            plan.soakTicks = 20
            let list = (0..<devices).map { index in
                let expected = historyRequests / 20 * failures * factors[index]
                return ExperimentDevice(
                    id: "device-\(index)", stratum: 0, isCanary: index < canaries, labels: [:],
                    history: [Tally(count: historyRequests, total: Double(chance.poisson(mean: expected)))])
            }
            let experiment = StepExperiment(
                seed: 1, step: 1, tickSeconds: 30, devices: list,
                metrics: [MetricPlan(name: "failures", margin: margin)], plan: plan)
            var test = DeviceModelTest(experiment, decides: true)
            let counted = [Bool](repeating: true, count: devices)
            var isHarm = false
            for tick in 1...ticks {
                test.credit(evidence(factors, &chance), counted: counted)
                // Fewer looks than the judge takes, to be quick: they come where evidence is still thin.
                guard tick <= 4 || tick % 5 == 0 else { continue }
                test.look(tick: tick)
                isHarm = isHarm || !test.harms.isEmpty
            }
            return (isHarm, test.safety(of: 0)?.isProven == true)
        }

        private func evidence(_ factors: [Double], _ chance: inout Chance) -> TickEvidence {
            TickEvidence(
                observations: factors.indices.map { index in
                    let isCanary = index < canaries
                    let mean = failures * factors[index] * (isCanary ? ratio : 1)
                    let tally = Tally(count: 20, total: Double(chance.poisson(mean: mean)))
                    var one = DeviceObservation(device: index)
                    one.wasHeard = true
                    one.isCommanded = isCanary
                    one.isExposed = isCanary
                    if isCanary { one.new = [tally] } else { one.old = [tally] }
                    return one
                })
        }

        func count(runs: Int) -> (harms: Int, proofs: Int) {
            (1...runs).reduce(into: (0, 0)) { counts, seed in
                let run = run(seed: seed)
                counts.0 += run.isHarm ? 1 : 0
                counts.1 += run.isProven ? 1 : 0
            }
        }
    }

    @Test(
        "a harmless version is found harmful in about one of a hundred rollouts at most",
        arguments: [
            Fleet(name: "devices differ by 0.3, no history", variation: 0.3),
            Fleet(name: "devices differ by 0.3, with history", variation: 0.3, historyRequests: 2_000),
            Fleet(name: "devices differ by 1.0, no history", variation: 1),
            Fleet(name: "devices differ by 1.0, with history", variation: 1, historyRequests: 2_000),
            Fleet(name: "devices differ by 1.0, half of them picked", canaries: 50, variation: 1),
            Fleet(name: "twelve devices that differ by 1.0", devices: 12, canaries: 4, variation: 1),
        ])
    func harmless(fleet: Fleet) {
        // 0.45 % of 300 is 1.4 with a standard deviation of 1.2.
        #expect(fleet.count(runs: 300).harms <= 5)
    }

    @Test(
        "three times the failures on 8 of 100 devices are found",
        arguments: [
            Fleet(name: "devices differ by 0.3, no history", variation: 0.3, ratio: 3, ticks: 20),
            Fleet(
                name: "devices differ by 1.0, with history", variation: 1, historyRequests: 2_000, ratio: 3, ticks: 20),
        ])
    func trebled(fleet: Fleet) {
        #expect(fleet.count(runs: 40).harms >= 38)
    }

    @Test(
        "a version at its margin is proven safe in one of twenty rollouts at most",
        arguments: [
            Fleet(name: "devices differ by 0.3, no history", variation: 0.3, ratio: 1.5),
            Fleet(name: "devices differ by 1.0, no history", variation: 1, ratio: 1.5),
            Fleet(name: "devices differ by 1.0, with history", variation: 1, historyRequests: 2_000, ratio: 1.5),
            Fleet(name: "half of the list picked", canaries: 50, variation: 0.3, ratio: 1.5),
            Fleet(
                name: "an absolute tolerance of three points", variation: 0.3, historyRequests: 2_000, ratio: 2,
                margin: .absolute(0.0309)),
            Fleet(
                name: "nothing else ever fails", variation: 1, historyRequests: 2_000, failures: 0.02, ratio: 10,
                margin: .absolute(0.01)),
        ])
    func atTheMargin(fleet: Fleet) {
        // 5 % of 100 with a standard deviation of 2.2: four deviations would be 14, so many are never seen.
        #expect(fleet.count(runs: 100).proofs <= 5)
    }

    @Test(
        "a good version is proven safe as a rule",
        arguments: [
            Fleet(name: "with history", variation: 1, historyRequests: 2_000, ticks: 60),
            Fleet(name: "a better one", variation: 0.3, historyRequests: 2_000, ratio: 0.5, ticks: 30),
            Fleet(
                name: "one that never fails, as nothing does", variation: 0.3, historyRequests: 2_000, failures: 0,
                margin: .absolute(0.01), ticks: 40),
        ])
    func good(fleet: Fleet) {
        #expect(fleet.count(runs: 40).proofs >= 30)
    }

    @Test("the budget of harm is split between the guarded shares, and each is judged by itself")
    func severalMetrics() {
        var step = SimulatedStep(newRate: 0.15)
        step.plan.soakTicks = 10
        var experiment = step.experiment
        experiment.metrics.append(MetricPlan(name: "empty", group: .answers, margin: .absolute(0.05)))
        experiment.metrics.append(MetricPlan(name: "shown", mode: .watch, margin: .absolute(0.02)))
        experiment.metrics.append(MetricPlan(name: "confidence", kind: .mean, margin: .absolute(0.02)))
        for index in experiment.devices.indices {
            experiment.devices[index].history += [Tally(count: 2_000, total: 100), Tally(), Tally()]
        }
        var test = DeviceModelTest(experiment, decides: true)
        for (index, evidence) in step.evidence(ticks: 30).enumerated() {
            var evidence = evidence
            for place in evidence.observations.indices {
                // One answer of twenty is empty, whatever the version.
                let empty = Tally(count: 20, total: 1)
                if evidence.observations[place].isExposed {
                    evidence.observations[place].new.append(empty)
                } else {
                    evidence.observations[place].old.append(empty)
                }
            }
            test.credit(evidence, counted: [Bool](repeating: true, count: 24))
            test.look(tick: index + 1)
        }
        #expect(test.harms.map(\.metric) == [0])
        #expect(test.harms.first.map { abs($0.look.bound + Double.log(0.0045 / 2)) < 1e-9 } == true)
        #expect(test.safety(of: 0)?.isProven == false)
        #expect(test.safety(of: 1)?.isProven == true)
        #expect(test.safety(of: 2) == nil)
        #expect(test.safety(of: 3) == nil)
    }
}
