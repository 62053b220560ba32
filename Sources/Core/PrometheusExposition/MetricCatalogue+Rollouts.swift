extension MetricCatalogue {
    static let rollouts = Section(
        "Rollouts",
        [
            GaugeFamily.rolloutInfo.family, GaugeFamily.rolloutState.family,
            GaugeFamily.rolloutStateEntered.family, GaugeFamily.rolloutHoldSince.family,
            GaugeFamily.rolloutStep.family, GaugeFamily.rolloutSteps.family,
            GaugeFamily.rolloutStepDeadline.family, GaugeFamily.rolloutCanaryWeight.family,
            GaugeFamily.rolloutDevices.family, GaugeFamily.decisionsLabelled.family,
            CounterFamily.rolloutDecisions.family, CounterFamily.rolloutDryRunDecisions.family,
            CounterFamily.rolloutsCompleted.family, CounterFamily.placeboRollouts.family,
            HistogramFamily.rolloutDuration.family, HistogramFamily.rolloutDetection.family,
            HistogramFamily.rollbackDuration.family,
        ])
}

extension GaugeFamily {
    /// What a rollout is; labels model, rollout, from_version, to_version, strategy.
    public static let rolloutInfo = GaugeFamily(
        "edgeorch_rollout_info",
        [.model, .rollout, MetricLabel("from_version"), MetricLabel("to_version"), MetricLabel("strategy")],
        help: "Rollouts that are active or ended within the retention window, by strategy; always 1.")

    /// The state of a rollout; labels model, rollout, state.
    public static let rolloutState = GaugeFamily(
        "edgeorch_rollout_state", [.model, .rollout, .rolloutState],
        help: "1 for the state the rollout is in, 0 for the others.")

    /// Since when a rollout is in its state; labels model, rollout.
    public static let rolloutStateEntered = GaugeFamily(
        "edgeorch_rollout_state_entered_timestamp_seconds", [.model, .rollout],
        help: "When the rollout entered its state.")

    /// Since when a rollout waits, and for what; labels model, rollout, reason.
    public static let rolloutHoldSince = GaugeFamily(
        "edgeorch_rollout_hold_since_timestamp_seconds", [.model, .rollout, .reason],
        help: "Since when the rollout holds or is halted, by reason; absent while it moves.")

    /// The current step; labels model, rollout.
    public static let rolloutStep = GaugeFamily(
        "edgeorch_rollout_step", [.model, .rollout], help: "Current step, counted from 1.")

    /// How many steps; labels model, rollout.
    public static let rolloutSteps = GaugeFamily(
        "edgeorch_rollout_steps", [.model, .rollout], help: "Number of steps of the rollout.")

    /// When the step times out; labels model, rollout.
    public static let rolloutStepDeadline = GaugeFamily(
        "edgeorch_rollout_step_deadline_timestamp_seconds", [.model, .rollout],
        help: "When the current step times out.")

    /// The canary's share; labels model, rollout.
    public static let rolloutCanaryWeight = GaugeFamily(
        "edgeorch_rollout_canary_weight_ratio", [.model, .rollout],
        help: "Share of eligible devices that the current step assigns to the canary.")

    /// Devices by how far their update is; labels model, rollout, progress.
    public static let rolloutDevices = GaugeFamily(
        "edgeorch_rollout_devices",
        [
            .model, .rollout,
            MetricLabel("progress", known: ["drawn", "commanded", "exposed", "failed", "returning", "restored"]),
        ],
        help: "Devices of the rollout by update progress.")

    /// Alarms by what a person found out about them; labels model, label.
    public static let decisionsLabelled = GaugeFamily(
        "edgeorch_rollout_decisions_labelled",
        [.model, MetricLabel("label", known: ["false_positive", "true_positive"])],
        help: "Holds, halts and rollbacks of the controller that carry a person's label, by label.")
}

extension CounterFamily {
    /// Decisions; labels model, decision, cause.
    public static let rolloutDecisions = CounterFamily(
        "edgeorch_rollout_decisions_total",
        [
            .model,
            MetricLabel(
                "decision", known: ["advance", "promote", "hold", "halt", "rollback", "resume", "retry"]),
            MetricLabel(
                "cause",
                known: ["judge", "person", "deadline", "update_failures", "no_data", "outage", "deployment"]),
        ],
        help: "Decisions taken by the controller or a person.", labelSetLimit: 2_500)

    /// What dry runs would have done; labels model, decision, cause.
    public static let rolloutDryRunDecisions = CounterFamily(
        "edgeorch_rollout_dry_run_decisions_total",
        [
            .model, MetricLabel("decision", known: ["halt", "rollback"]),
            MetricLabel("cause", known: ["judge", "update_failures"]),
        ],
        help: "Rollbacks and halts that the judge found right in a dry run and that were not carried out.")

    /// Ended rollouts; labels model, outcome.
    public static let rolloutsCompleted = CounterFamily(
        "edgeorch_rollouts_completed_total", [.model, .rolloutOutcome], help: "Rollouts that ended, by outcome.")

    /// Ended placebo rollouts; labels model, outcome.
    public static let placeboRollouts = CounterFamily(
        "edgeorch_placebo_rollouts_total",
        [
            .model,
            MetricLabel("outcome", known: ["passed", "false_rollback", "false_halt", "undecided", "superseded"]),
        ],
        help: "Placebo rollouts, of the version that ran already, that ended, by outcome.")
}

extension HistogramFamily {
    /// How long rollouts take; label outcome.
    public static let rolloutDuration = HistogramFamily(
        "edgeorch_rollout_duration_seconds", [.rolloutOutcome],
        help: "Wall clock time from start to end of a rollout.",
        bounds: [60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400, 259200])

    /// How long a bad version stays unnoticed.
    public static let rolloutDetection = HistogramFamily(
        "edgeorch_rollout_detection_seconds",
        help: "Time from the first exposure of a version later judged bad to the decision that stopped it.",
        bounds: [5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200])

    /// How long taking a version back takes.
    public static let rollbackDuration = HistogramFamily(
        "edgeorch_rollback_duration_seconds",
        help: "Time from the rollback decision until the last reachable device runs the old version.",
        bounds: [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600])
}
