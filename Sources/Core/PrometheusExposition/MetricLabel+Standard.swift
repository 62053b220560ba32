extension MetricLabel {
    /// A model's name.
    static let model = MetricLabel("model")
    /// A version's name.
    static let modelVersion = MetricLabel("model_version")
    /// A rollout's id; on gauges only, because ids never stop coming.
    static let rollout = MetricLabel("rollout")
    /// A metric that the judge compares.
    static let metric = MetricLabel("metric")
    /// Why; the values are closed sets declared where they arise.
    static let reason = MetricLabel("reason")
    /// The route template, never the raw path.
    static let handler = MetricLabel("handler")
    /// Which side of a comparison a device is on.
    static let arm = MetricLabel("arm", known: ["canary", "baseline", "stable"])
    /// What the judge found.
    static let verdict = MetricLabel("verdict", known: ["pass", "fail", "undecided", "nodata"])
    /// The steps of an update on a device, its probation and the way back.
    public static let updateStep = MetricLabel(
        "step",
        known: ["check", "download", "verify", "backup", "deploy", "smoke", "probation", "report", "rollback"])
    /// How a device's silence is shown.
    static let connectivity = MetricLabel("state", known: connectivityStates)
    /// The states of a rollout.
    static let rolloutState = MetricLabel(
        "state",
        known: [
            "pending", "progressing", "holding", "halted", "rolling_back", "rolled_back", "watching", "completed",
            "superseded",
        ])
    /// How a rollout ended.
    static let rolloutOutcome = MetricLabel("outcome", known: ["completed", "rolled_back", "superseded"])

    /// Why a device may not take part.
    static let standing = MetricLabel(
        "standing",
        known: ["awaiting_approval", "approved", "rejected", "quarantined", "revoked", "replacing"])

    /// The connectivity states.
    static let connectivityStates = ["online", "suspect", "offline", "retired"]
}
