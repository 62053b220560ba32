public import CanaryAnalysis

extension StepFinding {
    /// What a judgement means for the rollout, by what its policy says about each metric.
    ///
    /// Of several metrics that fail at once the one counts whose policy asks for most: taking the version back goes
    /// before a halt, a halt before a hold.
    public init(_ judgement: TickJudgement, policies: [MetricPolicy]) {
        let missed = policies.first { $0.isMissed(in: judgement) }.map { Self.noData(Grounds(noDataFor: $0.name)) }
        switch judgement.recommendation {
        case .rollback, .halt:
            let harms = ([judgement.recommendation] + (judgement.alsoFound ?? [])).compactMap { recommendation in
                Self.harm(recommendation, in: judgement, policies: policies)
            }
            // The first of the gravest: the judge's order stays among equals.
            self = harms.reduce(harms[0]) { $1.gravity > $0.gravity ? $1 : $0 }
        case .hold(let reason): self = .hold(Grounds(reason))
        case .advance(let isProven):
            self = missed ?? .advance(proven: isProven, Grounds(judgement, isProven: isProven))
        case .undecided(let reason): self = missed ?? .undecided(Grounds(reason))
        case .noData(let reason): self = missed ?? .noData(Grounds(reason))
        }
    }

    /// What one finding of harm means; nil for a recommendation without harm.
    private static func harm(
        _ recommendation: Recommendation, in judgement: TickJudgement, policies: [MetricPolicy]
    ) -> Self? {
        switch recommendation {
        case .rollback(let finding):
            switch MetricPolicy.policy(for: finding.metric, among: policies)?.onFail ?? .rollback {
            case .rollback: .rollback(Grounds(finding, in: judgement))
            case .halt: .halt(Grounds(finding, in: judgement))
            case .hold: .hold(Grounds(finding, in: judgement))
            }
        case .halt(let finding): .halt(Grounds(finding, in: judgement))
        case .advance, .hold, .undecided, .noData: nil
        }
    }

    private var gravity: Int {
        switch self {
        case .rollback: 3
        case .halt: 2
        case .hold: 1
        case .advance, .undecided, .noData: 0
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
    /// Whether the metric is guarded, must have data, and is not even among those that the step judges: latency without
    /// a histogram is. (What is judged and has no data is the judge's to say.)
    fileprivate func isMissed(in judgement: TickJudgement) -> Bool {
        mode == .guard && onNoData == .hold && judgement.exposed > 0
            && !judgement.metrics.contains { covers($0.metric) }
    }
}

extension Grounds {
    fileprivate init(_ finding: HarmFinding, in judgement: TickJudgement) {
        self.init(
            cause: finding.reason == "updates_failing" ? .updateFailures : .judge, reason: finding.reason,
            sentence: finding.sentence)
        metric = finding.metric
        metricKind = judgement.metrics.first { $0.metric == finding.metric }?.kind
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
            guard judgement.method != .absolute else {
                let needed = judgement.devicesNeeded.map { "; a test needs \($0) devices on the list" } ?? ""
                self.init(
                    cause: .judge, reason: "rules_kept",
                    sentence: "the absolute rules were kept for the soak on one device: not proven, the fleet is too "
                        + "small for a test" + needed)
                return
            }
            self.init(
                cause: .judge, reason: "not_proven_here",
                sentence: "soak and gates are met; this step's list is too small to decide anything, the steps before "
                    + "were proven: not proven here")
            return
        }
        self.init(
            cause: .judge, reason: "proven",
            sentence: judgement.method == .model
                ? "every guarded metric is shown to be within its tolerance, as far as a model of devices goes "
                    + "(model-based: a person picked the canaries); soak and gates are met"
                : "every guarded metric is shown to be within its tolerance; soak and gates are met")
        metric = weakest.metric
        metricKind = weakest.kind
        test = judgement.method == .model ? weakest.strongestTest : "safety since start"
        evidence = weakest.safetyEvidence
        bound = weakest.safetyBound
        effect = weakest.effect
    }
}
