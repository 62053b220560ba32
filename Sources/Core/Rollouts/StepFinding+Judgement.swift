public import CanaryAnalysis

extension StepFinding {
    /// What a judgement means for the rollout, by what its policy says about each metric.
    public init(_ judgement: TickJudgement, policies: [MetricPolicy]) {
        let missing = policies.first { $0.mode == .guard && $0.onNoData == .hold && $0.hasNoData(in: judgement) }
        switch judgement.recommendation {
        case .rollback(let finding):
            switch MetricPolicy.policy(for: finding.metric, among: policies)?.onFail ?? .rollback {
            case .rollback: self = .rollback(Grounds(finding))
            case .halt: self = .halt(Grounds(finding))
            case .hold: self = .hold(Grounds(finding))
            }
        case .halt(let finding): self = .halt(Grounds(finding))
        case .hold(let reason): self = .hold(Grounds(reason))
        case .advance, .undecided, .noData:
            if let missing {
                self = .noData(Grounds(noDataFor: missing.name))
            } else {
                self = Self.going(judgement, policies)
            }
        }
    }

    /// What holds where nothing does harm and every guarded metric that must have data has some.
    private static func going(_ judgement: TickJudgement, _ policies: [MetricPolicy]) -> StepFinding {
        let isIgnored = { (metric: MetricJudgement) in
            metric.verdict == .nodata
                && MetricPolicy.policy(for: metric.metric, among: policies)?.onNoData == .ignore
        }
        switch judgement.recommendation {
        case .advance(let isProven): return .advance(proven: isProven, Grounds(judgement, isProven: isProven))
        case .undecided(let reason):
            let guarded = judgement.metrics.filter { $0.mode == .guard }
            let deciding = guarded.filter { !isIgnored($0) }
            // A metric whose policy ignores that it has no data is proven by nobody and waited for by nobody.
            guard reason.code == "unproven", deciding.count < guarded.count, !deciding.isEmpty,
                deciding.allSatisfy(\.isProven)
            else { return .undecided(Grounds(reason)) }
            return .advance(proven: true, Grounds(judgement, isProven: true))
        case .noData(let reason):
            let isHeld = judgement.metrics.contains { $0.mode == .guard && !isIgnored($0) }
            return isHeld ? .noData(Grounds(reason)) : .undecided(Grounds(reason))
        case .rollback, .halt, .hold:
            preconditionFailure("harm and holds are told before")
        }
    }
}

extension StepReadiness {
    /// How soak and gates stand.
    public init(_ judgement: TickJudgement) {
        if let closed = judgement.gates.first(where: { !$0.isOpen }) {
            self = .waiting(
                Grounds(cause: .judge, reason: "gate_\(closed.gate.rawValue)", sentence: closed.detail))
        } else {
            self = .ready
        }
    }
}

extension MetricPolicy {
    /// Whether devices run the new version and yet nothing is measured of this metric: it is not among the judged ones,
    /// or one of its rows has nothing to judge.
    fileprivate func hasNoData(in judgement: TickJudgement) -> Bool {
        let rows = judgement.metrics.filter { covers($0.metric) && $0.mode == .guard }
        return judgement.exposed > 0 && (rows.isEmpty || rows.contains { $0.verdict == .nodata })
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

    fileprivate init(noDataFor metric: String) {
        self.init(
            cause: .judge, reason: "no_data",
            sentence: "\(metric) is guarded and has no data; check that the runtime shows it and the agent's mapping "
                + "names it, or set its onNoData to ignore")
        self.metric = metric
    }

    /// The proof that lets a step advance, or the word that there can be none.
    fileprivate init(_ judgement: TickJudgement, isProven: Bool) {
        guard isProven,
            let weakest = judgement.metrics.filter({ $0.mode == .guard && $0.verdict != .nodata })
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
