public import CanaryAnalysis

/// Judges a rollout's stored evidence again and says whether each of its decisions follows from it.
///
/// The same experiment and the same rows give the same judgements on every machine; numbers agree within 1e-9.
/// Decisions that rest on a clock, an outage or a person have no evidence to follow from and are said to be so.
public struct DecisionReplay: Sendable {
    /// One step as it was stored: what was frozen at its draw, and its rows, oldest first.
    public struct Step: Sendable {
        /// What was frozen.
        public var experiment: StepExperiment
        /// One row per judged tick.
        public var rows: [TickEvidence]

        /// Names a step's record.
        public init(experiment: StepExperiment, rows: [TickEvidence]) {
            self.experiment = experiment
            self.rows = rows
        }
    }

    /// What came of replaying one decision.
    public enum Outcome: Hashable, Sendable {
        /// The evidence gives the same decision with the same figures.
        case reproduced
        /// The evidence gives something else.
        case differs(String)
        /// It was not made from evidence.
        case notFromEvidence
    }

    /// How far two numbers of the same decision may be apart, relative to their size.
    public static let tolerance = 1e-9

    /// The judgements of each step, one per tick.
    public let judgements: [[TickJudgement]]
    private let policies: [MetricPolicy]

    /// Judges every row of every step, by what the rollout's policy says about each metric.
    ///
    /// - Complexity: as much as judging the rollout took.
    public init(_ steps: [Step], policies: [MetricPolicy]) {
        self.policies = policies
        judgements = steps.map { step in
            var judge = StepJudge(step.experiment)
            return step.rows.map { judge.judge($0) }
        }
    }

    /// The judgements that a decision had before it: one per step drawn by then, in the order of the steps.
    ///
    /// All drawn steps are judged in the same ticks, so an earlier step is as many ticks ahead as it has rows more.
    public func judgements(before decision: Decision) -> [TickJudgement] {
        guard let tick = decision.tick, (1...max(1, judgements.count)).contains(decision.step), !judgements.isEmpty
        else {
            return []
        }
        let current = judgements[decision.step - 1].count
        return judgements.prefix(decision.step).compactMap { rows in
            let index = rows.count - current + tick - 1
            return rows.indices.contains(index) ? rows[index] : nil
        }
    }

    /// Replays one decision.
    public func outcome(of decision: Decision) -> Outcome {
        guard decision.isFromEvidence else { return .notFromEvidence }
        let judgements = judgements(before: decision)
        let findings = judgements.map { StepFinding($0, policies: policies) }
        guard let current = findings.last, findings.count == decision.step else {
            return .differs("there is no evidence for step \(decision.step), tick \(decision.tick ?? 0)")
        }
        switch decision.kind {
        case .rollback:
            let harm = findings.filter { if case .rollback = $0 { true } else { false } }
            return compared(decision, harm, otherwise: "no step shows harm")
        case .halt:
            let halts = findings.filter { if case .halt = $0 { true } else { false } }
            return compared(decision, halts, otherwise: "no step asks for a halt")
        case .advance where decision.reason == "dry_run", .promote where decision.reason == "dry_run":
            guard let last = judgements.last, StepReadiness(last) == .ready else {
                return .differs("soak or a gate is closed")
            }
            return .reproduced
        case .advance, .promote:
            guard case .advance(_, let grounds) = current else { return .differs("the step is not shown to be ready") }
            return compared(decision, grounds)
        case .hold:
            let holds = findings.filter { finding in
                switch finding {
                case .hold: true
                case .noData: finding == current
                case .advance, .rollback, .halt, .undecided: false
                }
            }
            return compared(decision, holds, otherwise: "nothing asks to hold")
        case .resume:
            switch current {
            case .undecided, .advance: return .reproduced
            case .rollback, .halt, .hold, .noData: return .differs("the reason to hold has not passed")
            }
        case .retry:
            return .notFromEvidence
        }
    }

    /// Reproduced where any of the findings gives the decision; the first one's difference where none does.
    private func compared(_ decision: Decision, _ findings: [StepFinding], otherwise nothing: String) -> Outcome {
        let outcomes = findings.map { compared(decision, $0.grounds) }
        return outcomes.first { $0 == .reproduced } ?? outcomes.first ?? .differs(nothing)
    }

    private func compared(_ decision: Decision, _ grounds: Grounds) -> Outcome {
        if decision.reason != grounds.reason { return .differs("the reason is \(grounds.reason)") }
        if decision.metric != grounds.metric { return .differs("the metric is \(grounds.metric ?? "none")") }
        if decision.test != grounds.test { return .differs("the test is \(grounds.test ?? "none")") }
        let figures = [
            ("evidence", decision.evidence, grounds.evidence), ("bound", decision.bound, grounds.bound),
            ("effect", decision.effect, grounds.effect),
        ]
        for (name, said, found) in figures where !Self.agree(said, found) {
            return .differs("\(name) is \(found.map { "\($0)" } ?? "none"), not \(said.map { "\($0)" } ?? "none")")
        }
        return .reproduced
    }

    private static func agree(_ one: Double?, _ other: Double?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return one == other || abs(one - other) <= tolerance * max(1, abs(one))
    }
}

extension Decision {
    /// True where the decision follows from stored evidence alone: not from a person, a clock or an outage.
    public var isFromEvidence: Bool {
        guard tick != nil, actor == nil else { return false }
        switch cause {
        case .judge, .updateFailures: return true
        case .person, .deadline, .noData, .outage, .deployment: return false
        }
    }
}
