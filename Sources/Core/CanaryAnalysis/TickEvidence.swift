/// What one device measured of one metric: on how many requests, and the total over them.
///
/// Of a share the total is how many of the requests were failures (or what else is counted), of a mean the sum of the
/// values. In evidence counts are whole numbers; a history that decays holds fractions.
public struct Tally: Codable, Hashable, Sendable {
    /// Requests that were measured, at least 0.
    public var count: Double
    /// The total over them.
    public var total: Double

    /// Makes a tally; of nothing by default.
    public init(count: Double = 0, total: Double = 0) {
        self.count = count
        self.total = total
    }

    /// The share or mean; nil where nothing was measured.
    public var mean: Double? { count > 0 ? total / count : nil }

    /// Adds what was measured beside it.
    public static func += (left: inout Tally, right: Tally) {
        left.count += right.count
        left.total += right.total
    }
}

/// What was observed of one device in one tick.
public struct DeviceObservation: Codable, Hashable, Sendable {
    /// Its place in the experiment's list.
    public var device: Int
    /// Whether a new heartbeat arrived, or none is waited for: the device is in quarantine, revoked or retired.
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
    /// What was measured on the version the rollout comes from, one per metric; empty means nothing.
    public var old: [Tally]
    /// What was measured on the new version, one per metric; empty means nothing.
    public var new: [Tally]

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
