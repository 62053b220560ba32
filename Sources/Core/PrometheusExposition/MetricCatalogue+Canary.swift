extension MetricCatalogue {
    static let canary = Section(
        "Canary evidence",
        [
            GaugeFamily.canaryMetricInfo.family, GaugeFamily.canaryMetricValue.family,
            GaugeFamily.canaryToleratedValue.family, GaugeFamily.canaryEffect.family,
            GaugeFamily.canaryEffectLower.family, GaugeFamily.canaryEffectUpper.family,
            GaugeFamily.canaryTolerance.family, GaugeFamily.canaryObservations.family,
            GaugeFamily.canaryEvidence.family, GaugeFamily.canaryEvidenceBound.family,
            GaugeFamily.canarySafetyEvidence.family, GaugeFamily.canarySafetyEvidenceBound.family,
            GaugeFamily.canaryVerdict.family, GaugeFamily.canaryLastEvaluation.family,
            CounterFamily.canaryEvaluations.family, HistogramFamily.canaryEvaluationDuration.family,
        ])
}

extension GaugeFamily {
    /// Fifty rollouts are shown, and each judges at most twenty metrics and four kinds of events.
    private static let judgedLimit = 1_200

    /// What a metric is; labels model, rollout, metric, kind, harm, mode.
    public static let canaryMetricInfo = GaugeFamily(
        "edgeorch_canary_metric_info",
        [
            .model, .rollout, .metric, MetricLabel("kind", known: ["share", "mean"]),
            MetricLabel("harm", known: ["up", "down", "either"]), MetricLabel("mode", known: ["guard", "watch"]),
        ],
        help: "The metrics that the judge compares: shares in 0..1 or means in a unit of their own; always 1.",
        labelSetLimit: judgedLimit)

    /// The measured value; labels model, rollout, metric, arm.
    public static let canaryMetricValue = GaugeFamily(
        "edgeorch_canary_metric_value", [.model, .rollout, .metric, .arm],
        help: "Value the judge measured in its last evaluation.", labelSetLimit: 2 * judgedLimit)

    /// The value at the edge of the tolerance; labels model, rollout, metric.
    public static let canaryToleratedValue = GaugeFamily(
        "edgeorch_canary_tolerated_value", [.model, .rollout, .metric],
        help: "Where the tolerance puts the baseline's present value; the canary should not be beyond it.",
        labelSetLimit: judgedLimit)

    /// The estimated effect; labels model, rollout, metric.
    public static let canaryEffect = GaugeFamily(
        "edgeorch_canary_effect", [.model, .rollout, .metric],
        help: "Estimated effect: of a share observed to expected, of a mean the difference in its unit.",
        labelSetLimit: judgedLimit)

    /// The effect's lower end; labels model, rollout, metric.
    public static let canaryEffectLower = GaugeFamily(
        "edgeorch_canary_effect_lower", [.model, .rollout, .metric],
        help: "Lower end of the interval of the estimated effect.", labelSetLimit: judgedLimit)

    /// The effect's upper end; labels model, rollout, metric.
    public static let canaryEffectUpper = GaugeFamily(
        "edgeorch_canary_effect_upper", [.model, .rollout, .metric],
        help: "Upper end of the interval of the estimated effect.", labelSetLimit: judgedLimit)

    /// The tolerated harm; labels model, rollout, metric.
    public static let canaryTolerance = GaugeFamily(
        "edgeorch_canary_tolerance", [.model, .rollout, .metric],
        help: "Largest harmful effect the policy tolerates.", labelSetLimit: judgedLimit)

    /// How much was observed; labels model, rollout, metric, arm.
    public static let canaryObservations = GaugeFamily(
        "edgeorch_canary_observations", [.model, .rollout, .metric, .arm],
        help: "Observations the judge used in its last evaluation.", labelSetLimit: 2 * judgedLimit)

    /// Evidence of harm; labels model, rollout, metric.
    public static let canaryEvidence = GaugeFamily(
        "edgeorch_canary_evidence", [.model, .rollout, .metric],
        help: "Evidence of harm: weighted -ln p of the strongest row of the metric; crossing the bound rolls back.",
        labelSetLimit: judgedLimit)

    /// What evidence of harm must cross; labels model, rollout.
    public static let canaryEvidenceBound = GaugeFamily(
        "edgeorch_canary_evidence_bound", [.model, .rollout],
        help: "Bound that the evidence of any metric must cross at this tick.")

    /// Evidence of safety; labels model, rollout, metric.
    public static let canarySafetyEvidence = GaugeFamily(
        "edgeorch_canary_safety_evidence", [.model, .rollout, .metric],
        help: "Evidence that the canary is within tolerance in this step; crossing the bound allows to advance.",
        labelSetLimit: judgedLimit)

    /// What evidence of safety must cross; labels model, rollout, metric.
    public static let canarySafetyEvidenceBound = GaugeFamily(
        "edgeorch_canary_safety_evidence_bound", [.model, .rollout, .metric],
        help: "Bound of the safety evidence at this tick.", labelSetLimit: judgedLimit)

    /// The last verdict; labels model, rollout, metric, verdict.
    public static let canaryVerdict = GaugeFamily(
        "edgeorch_canary_verdict", [.model, .rollout, .metric, .verdict],
        help: "1 for the last verdict on the metric, 0 for the others.", labelSetLimit: 4 * judgedLimit)

    /// When the judge last looked; labels model, rollout.
    public static let canaryLastEvaluation = GaugeFamily(
        "edgeorch_canary_last_evaluation_timestamp_seconds", [.model, .rollout],
        help: "When the rollout was last judged.")
}

extension CounterFamily {
    /// Evaluations; labels model, verdict.
    public static let canaryEvaluations = CounterFamily(
        "edgeorch_canary_evaluations_total", [.model, .verdict], help: "Canary evaluations by overall verdict.")
}

extension HistogramFamily {
    /// How long judging takes.
    public static let canaryEvaluationDuration = HistogramFamily(
        "edgeorch_canary_evaluation_duration_seconds", help: "Time to judge one rollout once.",
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5])
}
