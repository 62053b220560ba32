/// What one device counted in one tick on one version, for one metric.
public struct Counts: Codable, Hashable, Sendable {
    /// Requests finished.
    public var requests: UInt64
    /// Failures among them.
    public var failures: UInt64

    /// Makes counts; none by default.
    public init(requests: UInt64 = 0, failures: UInt64 = 0) {
        self.requests = requests
        self.failures = failures
    }
}

/// What was observed of one device in one tick.
public struct DeviceObservation: Codable, Hashable, Sendable {
    /// Its place in the experiment's list.
    public var device: Int
    /// Whether a new heartbeat arrived.
    public var wasHeard: Bool
    /// Whether it has been told to run the new version.
    public var isCommanded: Bool
    /// Whether it runs the new version, as far as is known.
    public var isExposed: Bool
    /// Whether it failed to update, or went back by itself.
    public var hasFailedUpdate: Bool
    /// Whether an announced update excuses its silence.
    public var isExcused: Bool
    /// New crashes of its runtime.
    public var crashes: UInt64
    /// New starts of its runtime that did not become healthy.
    public var failedStarts: UInt64
    /// Counts on the version the rollout comes from, one per metric; empty means none.
    public var old: [Counts]
    /// Counts on the new version, one per metric; empty means none.
    public var new: [Counts]

    /// Makes an observation of a silent device.
    public init(device: Int) {
        self.device = device
        wasHeard = false
        isCommanded = false
        isExposed = false
        hasFailedUpdate = false
        isExcused = false
        crashes = 0
        failedStarts = 0
        old = []
        new = []
    }
}

/// What was observed in one tick: every device that was heard, and every device that was commanded, sorted by place.
///
/// A device without an observation was silent. A tick in which nobody looked (the controller was away) has no evidence
/// at all: that is no observation, never silence.
public struct TickEvidence: Codable, Hashable, Sendable {
    /// The observations, sorted by their device's place.
    public var observations: [DeviceObservation]

    /// Makes a tick's evidence.
    public init(observations: [DeviceObservation]) {
        self.observations = observations
    }
}
