import CanaryAnalysis
import Fleet

extension RolloutReport {
    /// What happened, for somebody who reads one sentence.
    public var headline: String {
        let version = "\(subject.to.name) of \(subject.model)"
        let after = subject.firstExposedAt.map { decision.at.seconds(since: $0) }.flatMap { seconds in
            seconds > 0 ? " \(Figure.span(seconds)) after the first device ran it" : nil
        }
        let who = decision.actor.map { " by \($0)" } ?? ""
        switch decision.kind {
        case .rollback: return "\(version) was taken back\(who)\(after ?? ""): \(decision.sentence)."
        case .promote: return "\(version) was given to every device\(who)\(after ?? ""): \(decision.sentence)."
        case .advance:
            return "\(version) went on to step \(decision.step + 1)\(who)\(after ?? ""): \(decision.sentence)."
        case .halt: return "The rollout of \(version) was halted\(who)\(after ?? ""): \(decision.sentence)."
        case .hold: return "The rollout of \(version) was held\(who)\(after ?? ""): \(decision.sentence)."
        case .resume: return "The rollout of \(version) went on again\(who): \(decision.sentence)."
        case .retry: return "\(version) was tried again\(who): \(decision.sentence)."
        }
    }

    /// Who or what decided, in words.
    public var decider: String {
        if let actor = decision.actor { return actor }
        switch decision.cause {
        case .judge: return "the judge"
        case .person: return "a person"
        case .deadline: return "the step's deadline"
        case .updateFailures: return "failed updates"
        case .noData: return "missing data"
        case .outage: return "an outage"
        case .deployment: return "a changed deployment"
        }
    }

    /// When the evidence crossed its bound, where that was before the decision; nil for the same tick.
    ///
    /// Harm that is proven rolls back only once its estimate matters.
    public var crossing: String? {
        guard let step = deciding, let last = step.points.last, decision.kind == .rollback else { return nil }
        let crossed = step.points.first { point in point.bound.map { point.evidence > $0 } ?? false }
        guard let crossed, crossed.tick < last.tick else { return nil }
        return "the bound was crossed at tick \(crossed.tick), the effect large enough to matter at tick \(last.tick)"
    }

    /// Why there is no evidence for the decision, in words.
    public var withoutEvidence: String {
        subject.evidenceRemovedAt.map { "the evidence was removed at \($0), because it is kept no longer" }
            ?? "there is no evidence for this decision"
    }

    /// What replaying gave, in words.
    public var replayed: String {
        switch recomputed.outcome {
        case "reproduced": "reproduced: the stored evidence gives the same decision with the same figures"
        case "differs": "differs: \(recomputed.difference ?? "")"
        case "evidence_removed": "no more: \(withoutEvidence)"
        default: "not from evidence (\(decider))"
        }
    }
}
