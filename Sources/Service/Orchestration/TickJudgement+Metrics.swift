import CanaryAnalysis
import PrometheusExposition

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
            snapshot.gauge(
                .canaryMetricInfo, named + [metric.kind.rawValue, metric.harm.rawValue, metric.mode.rawValue], 1)
            if let edge = metric.toleratedValue { snapshot.gauge(.canaryToleratedValue, named, edge) }
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

extension MetricJudgement {
    /// Where the tolerance puts the baseline's value; nil without one.
    ///
    /// Where any change is harm it is the upper edge.
    var toleratedValue: Double? {
        guard let baselineValue else { return nil }
        switch (margin, harm) {
        case (.relative(let factor), .up): return baselineValue * factor
        // Of a share that should be large, what is missing to all is what may grow.
        case (.relative(let factor), .down), (.relative(let factor), .either):
            return 1 - (1 - baselineValue) * factor
        case (.absolute(let margin), .up), (.absolute(let margin), .either): return baselineValue + margin
        case (.absolute(let margin), .down): return baselineValue - margin
        }
    }
}
