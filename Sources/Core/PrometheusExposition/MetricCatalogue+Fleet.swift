extension MetricCatalogue {
    static let fleet = Section(
        "Fleet",
        [
            GaugeFamily.devices.family, GaugeFamily.devicesBarred.family, GaugeFamily.devicesUnhealthy.family,
            GaugeFamily.devicesBehindKeySet.family,
            CounterFamily.heartbeats.family, CounterFamily.heartbeatsRejected.family,
            GaugeFamily.heartbeatsExpected.family, HistogramFamily.heartbeatDelay.family,
            CounterFamily.deviceStateTransitions.family,
            GaugeFamily.modelDevices.family, GaugeFamily.modelTargetDevices.family,
            GaugeFamily.modelDriftedDevices.family,
            CounterFamily.telemetrySamples.family, CounterFamily.telemetryLateSamples.family,
            CounterFamily.telemetryGaps.family,
        ])

    static let inference = Section(
        "Inference",
        [
            CounterFamily.inferenceRequests.family, CounterFamily.inferenceFailures.family,
            HistogramFamily.inferenceDuration.family,
        ])
}

extension GaugeFamily {
    /// Devices by connectivity state.
    public static let devices = GaugeFamily(
        "edgeorch_devices", [.connectivity],
        help: "Registered devices by connectivity state; the states are exclusive and add up to the registered total.")

    /// Devices that may not take part as others do, by standing.
    public static let devicesBarred = GaugeFamily(
        "edgeorch_devices_barred", [.standing],
        help: "Devices that wait for approval, are in quarantine or lost their credentials, by standing.")

    /// Devices with a health problem, by reason.
    public static let devicesUnhealthy = GaugeFamily(
        "edgeorch_devices_unhealthy", [.reason],
        help:
            "Devices whose last heartbeat reported a health problem, by reason; one device may count under several.")

    /// Devices that trust older publisher keys than they should.
    public static let devicesBehindKeySet = GaugeFamily(
        "edgeorch_devices_behind_key_set",
        help: "Devices whose last heartbeat said that they follow an older key set of the publishers than the newest.")

    /// The heartbeat rate that should arrive.
    public static let heartbeatsExpected = GaugeFamily(
        "edgeorch_device_heartbeats_expected_per_second",
        help: "Heartbeat rate the registered, non-retired devices should produce at their configured interval.")

    /// Devices by the version they run; labels model, model_version, arm.
    public static let modelDevices = GaugeFamily(
        "edgeorch_model_devices", [.model, .modelVersion, .arm],
        help: "Devices whose last report said they run this model version, by rollout arm.")

    /// Devices by the version they should run; labels model, model_version, arm.
    public static let modelTargetDevices = GaugeFamily(
        "edgeorch_model_target_devices", [.model, .modelVersion, .arm],
        help: "Devices that are assigned this model version, by rollout arm.")

    /// Devices that run something else than they should; label model.
    public static let modelDriftedDevices = GaugeFamily(
        "edgeorch_model_drifted_devices", [.model],
        help: "Devices that run another version than assigned, outside an active update.")
}

extension CounterFamily {
    /// Accepted heartbeats.
    public static let heartbeats = CounterFamily(
        "edgeorch_device_heartbeats_total", help: "Heartbeats accepted from devices.")

    /// Refused heartbeats; label reason.
    public static let heartbeatsRejected = CounterFamily(
        "edgeorch_device_heartbeats_rejected_total", [.reason],
        help: "Heartbeats refused by the controller, by reason.")

    /// Changes of connectivity; labels from_state, to_state.
    public static let deviceStateTransitions = CounterFamily(
        "edgeorch_device_state_transitions_total",
        [
            MetricLabel("from_state", known: MetricLabel.connectivityStates),
            MetricLabel("to_state", known: MetricLabel.connectivityStates),
        ],
        help: "Device connectivity state changes.")

    /// Telemetry samples.
    public static let telemetrySamples = CounterFamily(
        "edgeorch_telemetry_samples_total", help: "Telemetry samples ingested.")

    /// Ends of runtimes with requests that nobody may have counted.
    public static let telemetryGaps = CounterFamily(
        "edgeorch_telemetry_gaps_total",
        help: "Ends of runtimes on devices with requests that nobody may have counted.")

    /// Telemetry samples that came late.
    public static let telemetryLateSamples = CounterFamily(
        "edgeorch_telemetry_late_samples_total",
        help: "Telemetry samples that came late: from before the agent's last start, overtaken, or after an absence.")

    /// Inference requests; labels model, model_version, arm.
    public static let inferenceRequests = CounterFamily(
        "edgeorch_inference_requests_total", [.model, .modelVersion, .arm],
        help: "Inference requests reported by devices, finished, by model, version and rollout arm.")

    /// Failed inference requests; labels model, model_version, arm, reason.
    public static let inferenceFailures = CounterFamily(
        "edgeorch_inference_failures_total", [.model, .modelVersion, .arm, .reason],
        help: "Failed inference requests reported by devices.")
}

extension HistogramFamily {
    /// Delay of heartbeats.
    public static let heartbeatDelay = HistogramFamily(
        "edgeorch_device_heartbeat_delay_seconds",
        help: "Delay between the device clock stamp of a heartbeat and its arrival.",
        bounds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60])

    /// Inference latency; labels model, model_version, arm.
    public static let inferenceDuration = HistogramFamily(
        "edgeorch_inference_duration_seconds", [.model, .modelVersion, .arm],
        help: "Inference latency reported by devices as bucket counts.", bounds: LatencyBounds.seconds)
}
