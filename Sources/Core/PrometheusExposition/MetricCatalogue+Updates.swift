extension MetricCatalogue {
    static let updates = Section(
        "Updates on devices",
        [
            CounterFamily.otaStepAttempts.family, CounterFamily.otaStepFailures.family,
            HistogramFamily.otaStepDuration.family, GaugeFamily.otaUpdatesInProgress.family,
            CounterFamily.otaUpdatesCompleted.family, CounterFamily.otaTransferredBytes.family,
        ])
}

extension CounterFamily {
    /// Finished steps of updates; labels model, step.
    public static let otaStepAttempts = CounterFamily(
        "edgeorch_ota_step_attempts_total", [.model, .updateStep],
        help: "Update pipeline steps finished, successful or not.")

    /// Failed steps of updates; labels model, step, reason.
    public static let otaStepFailures = CounterFamily(
        "edgeorch_ota_step_failures_total", [.model, .updateStep, .reason],
        help: "Update pipeline steps that failed.", labelSetLimit: 1_000)

    /// Ended updates; labels model, outcome.
    public static let otaUpdatesCompleted = CounterFamily(
        "edgeorch_ota_updates_completed_total",
        [.model, MetricLabel("outcome", known: ["succeeded", "failed", "rolled_back", "rejected"])],
        help: "Device updates that ended, by outcome.")

    /// Bytes of artifacts; label transfer.
    public static let otaTransferredBytes = CounterFamily(
        "edgeorch_ota_transferred_bytes_total", [MetricLabel("transfer", known: ["full"])],
        help: "Artifact bytes sent to devices, by transfer form.")
}

extension GaugeFamily {
    /// Updates under way; label step.
    public static let otaUpdatesInProgress = GaugeFamily(
        "edgeorch_ota_updates_in_progress", [.updateStep], help: "Device updates in progress by current step.")
}

extension HistogramFamily {
    /// How long the steps of an update take; label step.
    public static let otaStepDuration = HistogramFamily(
        "edgeorch_ota_step_duration_seconds", [.updateStep], help: "Duration of update pipeline steps on devices.",
        bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900])
}
