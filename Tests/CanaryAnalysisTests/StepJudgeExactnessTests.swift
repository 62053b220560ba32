import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// The test is exact: over all cohorts that could have been drawn from a tiny fleet, as many cross as may.
@Suite struct StepJudgeExactnessTests {
    /// Nine devices that differ much, with devices' bursts: nothing that a model would fit.
    private static func evidence(cohort: Set<Int>, tick: Int) -> TickEvidence {
        TickEvidence(
            observations: (0..<9).map { device in
                var chance = Chance(seed: UInt64(device), stream: UInt64(tick))
                let burst = device % 3 == tick / 4 % 3 ? 8.0 : 1
                let tally = Tally(
                    count: 40, total: Double(chance.count(40, rate: 0.01 * Double(device + 1) * burst)))
                var one = DeviceObservation(device: device)
                one.wasHeard = true
                one.isCommanded = cohort.contains(device)
                one.isExposed = one.isCommanded && tick > 2
                if one.isExposed { one.new = [tally] } else { one.old = [tally] }
                return one
            })
    }

    private static func judge(_ cohort: Set<Int>, share: Double) -> StepJudge {
        StepJudge(
            StepExperiment(
                seed: 9, step: 1, tickSeconds: 30,
                devices: (0..<9).map {
                    ExperimentDevice(
                        id: "d\($0)", stratum: 0, isCanary: cohort.contains($0), labels: [:],
                        history: [Tally(count: 1_000, total: 10 * Double($0 + 1))])
                }, metrics: [MetricPlan(name: "failures", margin: .relative(1.25))],
                plan: TestPlan(
                    share: share, updateShare: 0.001, soakTicks: 100, deadlineTicks: 16, watchTicks: 16,
                    excuseTicks: 10, mayAdvanceUnproven: false)))
    }

    private static var cohorts: [Set<Int>] {
        (0..<9).flatMap { first in
            (first + 1..<9).flatMap { second in (second + 1..<9).map { Set([first, second, $0]) } }
        }
    }

    @Test("of all 84 cohorts exactly the share that may have crossed by a tick has crossed", arguments: [0.1, 0.3])
    func exact(share: Double) {
        var crossedAt: [Int?] = []
        for cohort in Self.cohorts {
            var judge = Self.judge(cohort, share: share)
            var crossed: Int?
            for tick in 1...16 {
                let judgement = judge.judge(Self.evidence(cohort: cohort, tick: tick))
                if crossed == nil, judgement.isWorse { crossed = tick }
            }
            crossedAt.append(crossed)
        }
        let spending = Spending(share: share, deadlineTicks: 16, watchTicks: 16)
        for tick in 3...16 {
            let crossed = crossedAt.count { $0.map { $0 <= tick } ?? false }
            #expect(crossed == Int(spending.spent(by: tick) * 84), "tick \(tick)")
        }
    }

    @Test("the order of the devices does not matter")
    func order() {
        let cohort: Set<Int> = [1, 4, 8]
        let order = [4, 2, 8, 0, 7, 1, 3, 6, 5]
        var plain = Self.judge(cohort, share: 0.1)
        var experiment = plain.experiment
        experiment.devices = order.map { plain.experiment.devices[$0] }
        var shuffled = StepJudge(experiment)
        for tick in 1...12 {
            let evidence = Self.evidence(cohort: cohort, tick: tick)
            let moved = TickEvidence(
                observations: order.enumerated().map { place, device in
                    var one = evidence.observations[device]
                    one.device = place
                    return one
                })
            let (one, other) = (plain.judge(evidence), shuffled.judge(moved))
            // Sums of doubles in another order differ by their rounding, which scores round away.
            #expect(abs(one.evidence - other.evidence) < 1e-6 && one.leadingTest == other.leadingTest)
            #expect(one.isWorse == other.isWorse)
        }
    }

    @Test("more failures on canaries are more evidence of harm, fewer are less")
    func monotone() {
        let evidences = [0.0, 1, 2, 4, 8, 16].map { more -> Double in
            let cohort: Set<Int> = [1, 4, 8]
            var judge = Self.judge(cohort, share: 0.1)
            var last = 0.0
            for tick in 1...10 {
                var evidence = Self.evidence(cohort: cohort, tick: tick)
                for index in evidence.observations.indices where evidence.observations[index].isExposed {
                    evidence.observations[index].new[0].total += more
                }
                last = judge.judge(evidence).evidence
            }
            return last
        }
        // Among 84 cohorts there is an end to how extreme one can be.
        #expect(Array(evidences.prefix(5)) == evidences.prefix(5).sorted())
        #expect(evidences.dropFirst().allSatisfy { $0 > evidences[0] + 0.5 })
    }

    @Test("with the arms swapped, harm turns into its opposite")
    func swapped() throws {
        func standardised(_ cohort: Set<Int>) throws -> Double {
            var judge = Self.judge(cohort, share: 0.1)
            for tick in 1...9 { _ = judge.judge(Self.evidence(cohort: [], tick: tick)) }
            let judgement = judge.judge(Self.evidence(cohort: [], tick: 10))
            return judgement.metrics[0].effect
        }
        let some: Set<Int> = [0, 4, 5, 7]
        let harm = try standardised(some)
        let opposite = try standardised(Set(0..<9).subtracting(some))
        #expect((harm > 1) != (opposite > 1))
        #expect(abs(harm * opposite - 1) < 0.02)
    }
}
