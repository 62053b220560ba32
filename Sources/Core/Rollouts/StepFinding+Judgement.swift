public import CanaryAnalysis

extension StepFinding {
    /// What a judgement means for the rollout.
    public init(_ judgement: TickJudgement) {
        switch judgement.recommendation {
        case .rollback(let finding): self = .rollback(Grounds(finding))
        case .halt(let finding): self = .halt(Grounds(finding))
        case .advance(let isProven): self = .advance(proven: isProven, Grounds(judgement, isProven: isProven))
        case .hold(let reason): self = .hold(Grounds(reason))
        case .undecided(let reason): self = .undecided(Grounds(reason))
        case .noData(let reason): self = .noData(Grounds(reason))
        }
    }
}

extension Grounds {
    fileprivate init(_ finding: HarmFinding) {
        self.init(
            cause: finding.reason == "updates_failing" ? .updateFailures : .judge, reason: finding.reason,
            sentence: finding.sentence)
        metric = finding.metric
        test = finding.test
        evidence = finding.evidence
        bound = finding.bound
        effect = finding.effect
    }

    fileprivate init(_ reason: HoldReason) {
        self.init(cause: .judge, reason: reason.code, sentence: reason.sentence)
    }

    /// The proof that lets a step advance, or the word that there can be none.
    fileprivate init(_ judgement: TickJudgement, isProven: Bool) {
        guard isProven,
            let weakest = judgement.metrics.filter({ $0.mode == .guard })
                .min(by: { $0.safetyEvidence < $1.safetyEvidence })
        else {
            self.init(
                cause: .judge, reason: "not_proven_here",
                sentence: "soak and gates are met; this step's list is too small to decide anything, the steps before "
                    + "were proven: not proven here")
            return
        }
        self.init(
            cause: .judge, reason: "proven",
            sentence: "every guarded metric is shown to be within its tolerance; soak and gates are met")
        metric = weakest.metric
        test = "safety since start"
        evidence = weakest.safetyEvidence
        bound = weakest.safetyBound
        effect = weakest.effect
    }
}
