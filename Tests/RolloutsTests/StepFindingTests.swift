import CanaryAnalysis
import Rollouts
import Testing

@Suite struct StepFindingTests {
    /// The first tick at which both metrics of a small step are shown to do harm.
    private static func harmedTwice() throws -> TickJudgement {
        let devices = (0..<12).map { place in
            ExperimentDevice(
                id: "d\(place)", stratum: 0, isCanary: place < 4, labels: [:],
                history: [Tally(count: 5_000, total: 250), Tally(count: 5_000, total: 250)])
        }
        var judge = StepJudge(
            StepExperiment(
                seed: 77, step: 1, tickSeconds: 2, devices: devices,
                metrics: [
                    MetricPlan(name: "failures", margin: .relative(2)),
                    MetricPlan(name: "empty_answers", group: .answers, margin: .relative(2)),
                ],
                plan: TestPlan(
                    share: 0.045, updateShare: 0.005, soakTicks: 3, deadlineTicks: 20, watchTicks: 100, excuseTicks: 10,
                    mayAdvanceUnproven: false)))
        let judgements = (1...30).map { tick in
            judge.judge(
                TickEvidence(
                    observations: devices.indices.map { place in
                        var one = DeviceObservation(device: place)
                        one.wasHeard = true
                        one.isCommanded = place < 4
                        one.isExposed = place < 4
                        let noise = Double((place * 7 + tick * 5) % 3)
                        let counts = Tally(count: 100, total: (place < 4 ? 40 : 5) + noise)
                        if place < 4 { one.new = [counts, counts] } else { one.old = [counts, counts] }
                        return one
                    }))
        }
        return try #require(judgements.first { $0.alsoFound != nil })
    }

    private static func finding(
        _ judgement: TickJudgement, failures: MetricPolicy.OnFail, answers: MetricPolicy.OnFail
    ) -> StepFinding {
        StepFinding(
            judgement,
            policies: [
                MetricPolicy(name: "failures", onFail: failures), MetricPolicy(name: "empty_answers", onFail: answers),
            ])
    }

    @Test("of two metrics that fail at once, the one counts whose policy asks for more")
    func gravest() throws {
        let judgement = try Self.harmedTwice()
        for (failures, answers) in [(MetricPolicy.OnFail.rollback, MetricPolicy.OnFail.halt), (.halt, .rollback)] {
            guard case .rollback(let grounds) = Self.finding(judgement, failures: failures, answers: answers) else {
                Issue.record("failures \(failures), empty_answers \(answers): the halt hides the rollback")
                continue
            }
            #expect(grounds.metric == (failures == .rollback ? "failures" : "empty_answers"))
        }
        for (failures, answers) in [(MetricPolicy.OnFail.hold, MetricPolicy.OnFail.halt), (.halt, .hold)] {
            guard case .halt = Self.finding(judgement, failures: failures, answers: answers) else {
                Issue.record("failures \(failures), empty_answers \(answers): the hold hides the halt")
                continue
            }
        }
    }

    @Test("among equals the judge's order stays")
    func order() throws {
        let judgement = try Self.harmedTwice()
        guard case .rollback(let first) = judgement.recommendation else {
            Issue.record("no rollback but \(judgement.recommendation)")
            return
        }
        let finding = Self.finding(judgement, failures: .rollback, answers: .rollback)
        #expect(finding.grounds.metric == first.metric)
    }
}
