import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// Every kind of metric, judged by a fleet of sixty devices of which fifteen are canaries.
@Suite struct StepJudgeMetricTests {
    /// A fleet that measures one metric beside harmless failures.
    private struct Fleet {
        var plan: MetricPlan
        /// What a device measures in one tick of 20 requests: old or new version, given the device's own level.
        var measure: (_ isNew: Bool, _ level: Double, _ chance: inout Chance) -> Double
        /// The same on average, for the history.
        var usual: (_ level: Double) -> Double
        var seed: UInt64 = 3

        static let failures = MetricPlan(name: "failures", margin: .relative(2))

        func judgements(ticks: Int) -> [TickJudgement] {
            let isCanary = CohortDraw(
                candidates: (0..<60).map { Candidate(id: "d\($0)") }, size: 15, seed: seed, step: 1
            ).isDrawn
            var chance = Chance(seed: seed, stream: 9)
            let levels = (0..<60).map { _ in chance.uniform() }
            var judge = StepJudge(
                StepExperiment(
                    seed: seed &* 77, step: 1, tickSeconds: 30,
                    devices: (0..<60).map { device in
                        ExperimentDevice(
                            id: "d\(device)", stratum: 0, isCanary: isCanary[device],
                            labels: ["hw": device % 2 == 0 ? "orin" : "nano"],
                            history: [
                                Tally(count: 10_000, total: 200),
                                Tally(count: 10_000, total: 10_000 * usual(levels[device])),
                            ])
                    }, metrics: [Self.failures, plan],
                    plan: TestPlan(
                        share: 0.009, updateShare: 0.001, soakTicks: 10, deadlineTicks: 120, watchTicks: 3_000,
                        excuseTicks: 20, mayAdvanceUnproven: false)))
            return (1...ticks).map { tick in
                judge.judge(
                    TickEvidence(
                        observations: (0..<60).map { device in
                            let isNew = isCanary[device] && tick > 1
                            let tallies = [
                                Tally(count: 20, total: Double(chance.count(20, rate: 0.02))),
                                Tally(count: 20, total: measure(isNew, levels[device], &chance)),
                            ]
                            var one = DeviceObservation(device: device)
                            one.wasHeard = true
                            one.isCommanded = isCanary[device]
                            one.isExposed = isNew
                            if isNew { one.new = tallies } else { one.old = tallies }
                            return one
                        }))
            }
        }

        /// The first tick that rolls back, and the finding.
        func rollback(within ticks: Int) -> (tick: Int, finding: HarmFinding)? {
            for judgement in judgements(ticks: ticks) {
                if case .rollback(let finding) = judgement.recommendation { return (judgement.tick, finding) }
            }
            return nil
        }
    }

    /// Confidence of 0.7 to 0.9 by device that the new version moves; 0.02 are tolerated.
    private func confidence(_ shift: Double, harm: MetricPlan.Harm = .down) -> Fleet {
        Fleet(
            plan: MetricPlan(name: "confidence", kind: .mean, harm: harm, group: .answers, margin: .absolute(0.02)),
            measure: { isNew, level, chance in
                (0..<20).reduce(0.0) { sum, _ in sum + 0.6 + 0.2 * level + 0.2 * chance.uniform() }
                    + (isNew ? 20 * shift : 0)
            }, usual: { 0.7 + 0.2 * $0 })
    }

    @Test("confidence that falls by more than is tolerated is taken back, with the difference in its unit")
    func meanDown() throws {
        let (tick, finding) = try #require(confidence(-0.05).rollback(within: 20))
        #expect(finding.metric == "confidence" && tick <= 10)
        #expect(abs(finding.effect - -0.05) < 0.02)
    }

    @Test(
        "a difference inside the tolerance is not, nor is one in the harmless direction", arguments: [-0.01, 0, 0.05])
    func meanInside(shift: Double) {
        let judgements = confidence(shift).judgements(ticks: 25)
        #expect(!judgements.contains { $0.recommendation.isRollback })
        #expect(judgements.last?.metrics[1].isProven == true)
    }

    @Test("harm in either direction needs both proofs and sees both", arguments: [-0.05, 0.05])
    func either(shift: Double) throws {
        let (_, finding) = try #require(confidence(shift, harm: .either).rollback(within: 20))
        #expect(finding.test.hasSuffix(shift > 0 ? " upward" : " downward"))
        #expect(confidence(0, harm: .either).judgements(ticks: 25).last?.metrics[1].isProven == true)
    }

    @Test("a version at the edge of a mean's tolerance is seldom proven")
    func meanMargin() {
        let proven = (1...20).count { seed in
            var fleet = confidence(-0.02)
            fleet.seed = UInt64(seed)
            return fleet.judgements(ticks: 20).last?.metrics[1].isProven == true
        }
        // At most 1 of 20 expected with a standard deviation of 1: four deviations above.
        #expect(proven <= 5)
    }

    @Test("a share whose harm is to fall: right answers among those that are labelled")
    func shareDown() throws {
        func fleet(_ right: Double) -> Fleet {
            Fleet(
                plan: MetricPlan(
                    name: "accuracy", harm: .down, group: .answers, margin: .absolute(0.03)),
                measure: { isNew, _, chance in Double(chance.count(20, rate: isNew ? right : 0.9)) },
                usual: { _ in 0.9 })
        }
        let (_, finding) = try #require(fleet(0.75).rollback(within: 30))
        #expect(finding.metric == "accuracy")
        let better = fleet(0.95).judgements(ticks: 25)
        #expect(!better.contains { $0.recommendation.isRollback })
        #expect(better.last?.metrics[1].isProven == true)
    }

    @Test("a metric that is watched is judged and shown, and decides nothing")
    func watched() {
        var fleet = confidence(-0.1)
        fleet.plan.mode = .watch
        let last = fleet.judgements(ticks: 25).last
        #expect(last?.recommendation == .advance(isProven: true))
        #expect(last.map { $0.metrics[1].evidence > $0.metrics[0].evidence } == true)
    }

    @Test("the class of devices that carries the harm is named")
    func suspect() throws {
        var fleet = confidence(0)
        var place = 0
        // Measured in the order of the devices: every second is an orin.
        fleet.measure = { isNew, level, chance in
            defer { place += 1 }
            let isOrin = place % 60 % 2 == 0
            return (0..<20).reduce(0.0) { sum, _ in sum + 0.6 + 0.2 * level + 0.2 * chance.uniform() }
                - (isNew && isOrin ? 4 : 0)
        }
        let (_, finding) = try #require(fleet.rollback(within: 20))
        #expect(finding.suspect == "hw=orin")
        #expect(finding.sentence.contains("hw=orin"))
    }

    @Test("a metric without data holds, unless its policy lets the others decide")
    func noData() {
        var fleet = confidence(0)
        fleet.measure = { _, _, _ in 0 }
        fleet.plan.mode = .guard
        func last(mayLackData: Bool) -> Recommendation? {
            var fleet = fleet
            fleet.plan.mayLackData = mayLackData
            return SilentMetric(fleet.plan).judgements(ticks: 30).last?.recommendation
        }
        #expect(last(mayLackData: false)?.waitCode == "no_data")
        #expect(last(mayLackData: true) == .advance(isProven: true))
    }

    @Test("data that no longer arrives holds, however good what arrived before was", arguments: [true, false])
    func staleData(ofCanary: Bool) {
        let step = SimulatedStep(devices: 60, canaries: 15, newRate: 0.005, margin: .relative(2))
        let isCanary = step.isCanary
        let judgements = step.judgements(ticks: 16) { tick, evidence in
            guard tick > 7 else { return }
            for index in evidence.observations.indices
            where isCanary[evidence.observations[index].device] == ofCanary {
                evidence.observations[index].old = []
                evidence.observations[index].new = []
            }
        }
        #expect(judgements[8].recommendation.waitCode != "no_data")
        #expect(judgements[9...].allSatisfy { $0.recommendation.waitCode == "no_data" })
    }

    /// A fleet in which the second metric is never measured.
    private struct SilentMetric {
        let plan: MetricPlan

        init(_ plan: MetricPlan) { self.plan = plan }

        func judgements(ticks: Int) -> [TickJudgement] {
            var step = SimulatedStep(devices: 60, canaries: 15, newRate: 0.005, margin: .relative(2))
            step.plan.soakTicks = 10
            var experiment = step.experiment
            experiment.metrics.append(plan)
            var judge = StepJudge(experiment)
            return step.evidence(ticks: ticks).map { judge.judge($0) }
        }
    }

    @Test("a better version is said to be better: the baseline is the worse one")
    func baselineWorse() {
        let step = SimulatedStep(devices: 60, canaries: 20, requests: 60, oldRate: 0.1, newRate: 0.01)
        let judgements = step.judgements(ticks: 20)
        #expect(judgements.last?.metrics[0].isBaselineWorse == true)
        #expect(
            SimulatedStep(devices: 60, canaries: 20).judgements(ticks: 20).last?.metrics[0].isBaselineWorse == false)
    }

    @Test("a decision's interval is of the tick it rests on")
    func interval() throws {
        let step = SimulatedStep(devices: 60, canaries: 20, requests: 60, newRate: 0.3, exposedFrom: 7)
        let crossed = try #require(step.judgements(ticks: 12).first { $0.recommendation.isRollback })
        let metric = crossed.metrics[0]
        #expect(crossed.tick % 5 != 0)
        #expect(try #require(metric.effectLower) <= metric.effect)
        #expect(metric.effectUpper.map { $0 >= metric.effect } ?? true)
    }

    // MARK: - Silence

    @Test("a swap is excused for its time and no longer, also where the exposure is seen while it is silent")
    func swap() {
        var step = SimulatedStep(devices: 60, canaries: 20, requests: 60, exposedFrom: 4)
        step.plan.excuseTicks = 6
        let canaries = step.isCanary.indices.filter { step.isCanary[$0] }
        func silent(through last: Int) -> [EventJudgement] {
            step.judgements(ticks: 12) { tick, evidence in
                guard (2...last).contains(tick) else { return }
                for index in evidence.observations.indices where canaries.contains(evidence.observations[index].device)
                {
                    evidence.observations[index].wasHeard = false
                    evidence.observations[index].new = []
                    evidence.observations[index].old = []
                }
            }.last?.events ?? []
        }
        #expect(silent(through: 7).filter { $0.canaries > 0 } == [])
        #expect(silent(through: 9).first { $0.name == "silence" }?.canaries == 20)
    }

    /// 200 devices with 40 canaries, of which the first so many never report.
    private func ratio(silent: Int, lookingAt tick: Int = 9) -> HoldReason? {
        let step = SimulatedStep(devices: 200, canaries: 40)
        let cohort = Cohort(step.experiment.devices)
        var tracks = [DeviceTracks.Track](repeating: DeviceTracks.Track(), count: 200)
        let quiet = Set(cohort.canaries.prefix(silent))
        for device in 0..<200 where !quiet.contains(device) { tracks[device].firstHeard = 1 }
        var ratio = SampleRatio()
        let all = Assignments(
            isCanary: cohort.isCanary, strata: [Int](repeating: 0, count: 200), share: 0.01, seed: 4)
        ratio.look(tracks, cohort: cohort, assignments: all, tick: tick, at: 9)
        return ratio.holdReason(canaries: 40, others: 160)
    }

    @Test("fewer canaries than others that report at all hold the step, looked at once")
    func sampleRatio() {
        #expect(ratio(silent: 12)?.code == "sample_ratio_mismatch")
        #expect(ratio(silent: 12)?.sentence.contains("28 of 40 canaries report at all and 160 of 160 others") == true)
        #expect(ratio(silent: 1) == nil)
        #expect(ratio(silent: 12, lookingAt: 8) == nil && ratio(silent: 12, lookingAt: 10) == nil)
    }

    // MARK: - Cohorts that a person picked

    @Test("where a person picked the canaries a model judges, and says so")
    func picked() throws {
        var step = SimulatedStep(devices: 60, canaries: 12, requests: 60, oldRate: 0.03, newRate: 0.12)
        step.plan.method = .model
        let ending = try #require(step.ending(within: 60))
        guard case .rollback(let finding) = ending.recommendation else {
            Issue.record("not rolled back: \(ending.recommendation)")
            return
        }
        #expect(finding.test == "model-based")
        step.newRate = 0.03
        #expect(step.ending(within: 60)?.recommendation.isRollback != true)
    }
}
