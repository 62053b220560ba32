import CanaryAnalysis
import Fleet
import Rollouts
import Testing

/// One small step that was judged, with the decision it led to.
///
/// Twelve devices, four of them canaries, ticks of two seconds. Canaries differ by their place, so that one of them
/// does worst.
struct RecordedStep: Sendable {
    private(set) var step: DecisionReplay.Step
    private(set) var replay: DecisionReplay
    var decisions: [Decision] = []

    /// Judges so many ticks, or until the evidence says what is wanted.
    ///
    /// - Parameters:
    ///   - failures: per 100 requests of a canary by its place; the others fail five times, a few more or fewer.
    ///   - label: the labels of a device by its place.
    init(
        ticks: Int, canaries: Int = 4, devices: Int = 12, failures: (Int) -> Int,
        labels: (Int) -> [String: String] = { _ in [:] }
    ) {
        let listed = (0..<devices).map { place in
            ExperimentDevice(
                id: "d\(place)", stratum: place % 2, isCanary: place < canaries, labels: labels(place),
                history: [Tally(count: 5_000, total: 250)])
        }
        let experiment = StepExperiment(
            seed: 4_242, step: 1, tickSeconds: 2, devices: listed,
            metrics: [MetricPlan(name: "failures", margin: .relative(2))],
            plan: TestPlan(
                share: 0.045, updateShare: 0.005, soakTicks: 3, deadlineTicks: 20, watchTicks: 100, excuseTicks: 10,
                mayAdvanceUnproven: false))
        let rows = (1...ticks).map { tick in
            TickEvidence(
                observations: listed.indices.map { place in
                    let isCanary = place < canaries
                    let noise = (place * 7 + tick * 5) % 3
                    let tally = Tally(count: 100, total: Double((isCanary ? failures(place) : 5) + noise))
                    var one = DeviceObservation(device: place)
                    one.wasHeard = true
                    one.isCommanded = isCanary
                    one.isExposed = isCanary
                    if isCanary { one.new = [tally] } else { one.old = [tally] }
                    return one
                })
        }
        step = DecisionReplay.Step(experiment: experiment, rows: rows)
        replay = DecisionReplay([step], policies: [])
    }

    /// Every canary fails about thirty times in a hundred, the first a little more; ends with the rollback.
    static func harmed() throws -> RecordedStep {
        var recorded = RecordedStep(ticks: 12) { 30 + ($0 == 0 ? 9 : 0) }
        try recorded.decide(.rollback, at: 10)
        recorded.cut()
        return recorded
    }

    /// Canaries fail twice in a hundred where others fail five times.
    static func proven() throws -> RecordedStep {
        var recorded = RecordedStep(ticks: 14) { _ in 1 }
        try recorded.decide(.advance, at: 10)
        return recorded
    }

    /// Takes the decision that the evidence gives first.
    private mutating func decide(_ kind: DecisionKind, at second: Double) throws {
        let judged = try #require(
            replay.judgements[0].first { judgement in
                switch (kind, StepFinding(judgement, policies: [])) {
                case (.rollback, .rollback), (.advance, .advance): true
                default: false
                }
            })
        let grounds = StepFinding(judged, policies: []).grounds
        var decision = Decision(
            number: 1, kind: kind, cause: .judge, reason: grounds.reason, sentence: grounds.sentence, step: 1,
            tick: judged.tick, at: SampleRollout.at(second), exposedDevices: 4)
        decision.metric = grounds.metric
        decision.test = grounds.test
        decision.evidence = grounds.evidence
        decision.bound = grounds.bound
        decision.effect = grounds.effect
        decisions.append(decision)
    }

    /// Drops what nobody judged any more after the first decision.
    private mutating func cut() {
        guard let tick = decisions.first?.tick else { return }
        step.rows = Array(step.rows.prefix(tick))
        replay = DecisionReplay([step], policies: [])
    }

    /// The report on a decision.
    func report(
        on decision: Decision? = nil, asksWhatIf: Bool = true, change: (inout RolloutReport.Subject) -> Void = { _ in }
    ) throws -> RolloutReport {
        var subject = RolloutReport.Subject(
            id: try RolloutID("digits-2"), deployment: try DeploymentName("digits"), model: try ModelName("digits"),
            from: try SampleRollout.version("v1", 1), to: try SampleRollout.version("v2", 2), state: .rollingBack,
            policy: Policy(name: try PolicyName("calm")), createdAt: SampleRollout.at(0))
        subject.firstExposedAt = SampleRollout.at(4)
        change(&subject)
        return RolloutReport(
            try #require(decision ?? decisions.first), of: subject, decisions: decisions, steps: [step],
            replay: replay, asksWhatIf: asksWhatIf)
    }
}
