import CanaryAnalysis
import PrometheusExposition
import Rollouts

extension StepFinding {
    /// What a judgement means for the rollout.
    init(_ judgement: TickJudgement) {
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
    init(_ finding: HarmFinding) {
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
        guard isProven, let weakest = judgement.metrics.filter({ $0.mode == .guard })
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

extension TickJudgement {
    /// The overall verdict, for counting evaluations.
    var verdictName: String {
        switch recommendation {
        case .rollback, .halt: Verdict.fail.rawValue
        case .advance: Verdict.pass.rawValue
        case .hold, .undecided: Verdict.undecided.rawValue
        case .noData: Verdict.nodata.rawValue
        }
    }

    /// Shows the judgement as gauges; `labels` are model and rollout.
    func collect(_ labels: [String], into snapshot: inout MetricSnapshot) {
        if let bound { snapshot.gauge(.canaryEvidenceBound, labels, bound) }
        for metric in metrics {
            let named = labels + [metric.metric]
            if let value = metric.canaryValue { snapshot.gauge(.canaryMetricValue, named + ["canary"], value) }
            if let value = metric.baselineValue { snapshot.gauge(.canaryMetricValue, named + ["baseline"], value) }
            snapshot.gauge(.canaryObservations, named + ["canary"], metric.canaryRequests)
            snapshot.gauge(.canaryObservations, named + ["baseline"], metric.baselineRequests)
            snapshot.gauge(.canaryEffect, named, metric.effect)
            if let lower = metric.effectLower { snapshot.gauge(.canaryEffectLower, named, lower) }
            if let upper = metric.effectUpper { snapshot.gauge(.canaryEffectUpper, named, upper) }
            switch metric.margin {
            case .relative(let factor): snapshot.gauge(.canaryTolerance, named, factor)
            case .absolute(let share): snapshot.gauge(.canaryTolerance, named, share)
            }
            snapshot.gauge(.canaryEvidence, named, metric.evidence)
            snapshot.gauge(.canarySafetyEvidence, named, metric.safetyEvidence)
            if let bound = metric.safetyBound { snapshot.gauge(.canarySafetyEvidenceBound, named, bound) }
            snapshot.state(.canaryVerdict, named, is: metric.verdict.rawValue)
        }
        for event in events { snapshot.gauge(.canaryEvidence, labels + [event.name], event.evidence) }
    }
}
