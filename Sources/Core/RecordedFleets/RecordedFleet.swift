public import CanaryAnalysis

/// A device of a recorded fleet.
public struct RecordedDevice: Hashable, Sendable {
    /// What it was in the recording.
    public enum Arm: String, Hashable, Sendable, CaseIterable {
        /// Drawn by some step.
        case canary
        /// On the list, never drawn.
        case baseline
        /// Enrolled after the draws: never judged.
        case outside
    }

    /// Its id.
    public var id: String
    /// What it was.
    public var arm: Arm
    /// The step that drew it, counted from 1; nil for none.
    public var step: Int?
    /// When it was told to update, in seconds since the rollout's start; nil for never.
    public var commandedAt: Double?
    /// When it began to run the new version, in seconds since the rollout's start; nil for never.
    public var exposedAt: Double?
    /// The name of its stratum; empty for none.
    public var stratum: String
    /// Its labels, for naming a class that carries the harm.
    public var labels: [String: String]
    /// What it measured before the rollout.
    public var history: Measurements
    /// The name of the unit it was drawn with, such as its site; empty where it was drawn by itself.
    public var unit: String

    /// Makes a device.
    public init(
        id: String, arm: Arm, step: Int? = nil, commandedAt: Double? = nil, exposedAt: Double? = nil,
        stratum: String = "", labels: [String: String] = [:], history: Measurements = Measurements(), unit: String = ""
    ) {
        self.id = id
        self.arm = arm
        self.step = step
        self.commandedAt = commandedAt
        self.exposedAt = exposedAt
        self.stratum = stratum
        self.labels = labels
        self.history = history
        self.unit = unit
    }
}

/// One row of a recording: what a device measured since its row before, received in the tick that ended at a time.
public struct RecordedRow: Hashable, Sendable {
    /// The device's place in the fleet's list.
    public var device: Int
    /// What it measured.
    public var measurements: Measurements
    /// When it was received, in seconds since the rollout's start; nil where only the tick is known: at its end.
    public var receivedAt: Double?

    /// Makes a row.
    public init(device: Int, measurements: Measurements, receivedAt: Double? = nil) {
        self.device = device
        self.measurements = measurements
        self.receivedAt = receivedAt
    }
}

/// How a recording is to be judged: the judge's part of a policy.
public struct RecordedPolicy: Hashable, Sendable {
    /// The probability that a harmless version is rolled back, over the whole rollout.
    public var errorBudget = 0.01
    /// The length of a tick in seconds.
    public var tickSeconds = 30.0
    /// The least time a step is watched before it may advance, in seconds.
    public var soakSeconds = 600.0
    /// The time after which a step is undecided, in seconds.
    public var deadlineSeconds = 21_600.0
    /// The end of the watch after the last step's deadline, in seconds.
    public var watchSeconds = 86_400.0
    /// How long an update may be silent, in seconds.
    public var updateSeconds = 600.0
    /// The steps that were planned; nil for as many as were drawn.
    public var plannedSteps: Int?
    /// The metrics; one that is not named is watched.
    public var metrics: [MetricPolicy] = [MetricPolicy(name: "failures")]
    /// The label whose values were drawn whole; nil where single devices were, or where the devices name their units.
    public var unitLabel: String?
    /// The key of the assignments and of thinning.
    public var seed: UInt64 = 1

    /// The product's defaults.
    public init() {}
}

/// A recorded fleet: who was in it, what was measured, how it is judged.
public struct RecordedFleet: Sendable {
    /// The devices, in the order that rows refer to.
    public var devices: [RecordedDevice]
    /// What the places of measurements stand for.
    public var names: MeasurementNames
    /// How it is judged.
    public var policy: RecordedPolicy

    /// Makes a fleet.
    public init(devices: [RecordedDevice], names: MeasurementNames = MeasurementNames(), policy: RecordedPolicy) {
        self.devices = devices
        self.names = names
        self.policy = policy
    }
}
