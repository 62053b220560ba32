public import CanaryAnalysis
public import Fleet

/// A version by its name and by what it is.
public struct VersionReference: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The version's name, such as `v2.0.0`.
    public let name: VersionName
    /// SHA-256 of the version's signed payload: the identity that evidence is keyed by.
    public let digest: Digest

    /// Refers to a version.
    public init(name: VersionName, digest: Digest) {
        self.name = name
        self.digest = digest
    }

    /// The name and the first digits of the digest.
    public var description: String { "\(name) (\(digest.short))" }
}

/// How large a step is: the devices that run the new version once the step is exposed, earlier steps included.
public enum StepSize: Hashable, Sendable {
    /// A share of the eligible devices, in 0 (exclusive) ... 100; rounded up.
    case percent(Double)
    /// So many devices, at least 1.
    case devices(Int)

    /// Reads `5%` or `8 devices` (or `1 device`); nil for anything else.
    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        if words.count == 1, words[0].hasSuffix("%"), let share = Double(words[0].dropLast()), share > 0, share <= 100 {
            self = .percent(share)
        } else if words.count == 2, ["device", "devices"].contains(words[1]), let count = Int(words[0]), count > 0 {
            self = .devices(count)
        } else {
            return nil
        }
    }

    /// How many of `eligible` devices run the new version in this step; at least one where there is any.
    public func count(of eligible: Int) -> Int {
        switch self {
        case .percent(let share): min(eligible, max(1, Int((share / 100 * Double(eligible)).rounded(.up))))
        case .devices(let count): min(eligible, count)
        }
    }
}

extension StepSize: Codable, CustomStringConvertible {
    /// `5%` or `8 devices`.
    public var description: String {
        switch self {
        case .percent(let share): share == share.rounded() ? "\(Int(share))%" : "\(share)%"
        case .devices(let count): count == 1 ? "1 device" : "\(count) devices"
        }
    }

    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let size = StepSize(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a step is a share like \"5%\" or a count like \"8 devices\"")
        }
        self = size
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// How a rollout proceeds and what it tolerates; frozen into each rollout when it starts.
public struct Policy: Codable, Hashable, Sendable {
    /// What happens when a step is undecided at its deadline.
    ///
    /// Promotion is never among it.
    public enum DeadlineAction: String, Codable, Hashable, Sendable, CaseIterable {
        /// Stop granting and ask a person.
        case halt
        /// Take the version back.
        case rollback
        /// Keep waiting; said and alerted.
        case hold
    }

    /// The name deployments refer to.
    public var name: PolicyName
    /// The steps, at least one, growing; the last one is usually `100%`.
    public var steps: [StepSize]
    /// Seconds between heartbeats of the devices of a rollout, in 1...600; also the length of a tick.
    public var heartbeatSeconds: Double
    /// The least time a step is watched before it may advance, in seconds.
    public var soakSeconds: Double
    /// The time after which an undecided step is given to a person, in seconds.
    public var deadlineSeconds: Double
    /// What to do then.
    public var onDeadline: DeadlineAction
    /// The probability that a harmless version is rolled back, over the whole rollout, in 0.0001...0.2.
    public var errorBudget: Double
    /// The metrics; whatever else the devices measure is watched.
    public var metrics: [MetricPolicy]
    /// Seconds without any data after which a rollout halts.
    public var noDataSeconds: Double
    /// Seconds after completion in which the judge still watches and may roll back.
    public var watchSeconds: Double
    /// The share of devices that keeps the old version during the watch, in 0...0.5, rounded down.
    public var holdbackShare: Double
    /// How long an announced update may be silent, in seconds, at most 1800.
    public var updateSeconds: Double
    /// How many devices of a rollout may be in the middle of their update at once, in 1...100000.
    public var concurrentUpdates: Int
    /// What is drawn: `device`, or the name of a label whose values are drawn whole, such as `site`.
    ///
    /// Devices that share a value of it are then compared together, because what happens to one happens to all.
    public var unit: String
    /// Judge and say what would be done, but neither take back nor halt; steps advance on soak and gates alone.
    public var dryRun: Bool
    /// A rollout whose first list has fewer devices goes on one device at a time, judged by absolute rules.
    public var smallFleetDevices: Int
    /// The time for which each of them is watched before the next one, in seconds.
    public var smallFleetSoakSeconds: Double
    /// How many people other than its author must approve a rollout before it starts, in 0...5.
    public var approvals: Int

    /// The most metrics that a policy may name: as many as are judged.
    public static let metricLimit = 20

    /// The unit that is a single device.
    public static let deviceUnit = "device"

    /// The label whose values are drawn whole; nil where single devices are drawn.
    public var unitLabel: String? { unit == Self.deviceUnit ? nil : unit }

    enum CodingKeys: String, CodingKey {
        case name, steps, heartbeatSeconds, soakSeconds, deadlineSeconds, onDeadline, errorBudget, metrics
        case noDataSeconds, watchSeconds, holdbackShare, updateSeconds, concurrentUpdates, unit, dryRun
        case smallFleetDevices, smallFleetSoakSeconds, approvals
    }

    /// Makes a policy; the defaults are the product's.
    public init(
        name: PolicyName, steps: [StepSize] = [.percent(5), .percent(25), .percent(50), .percent(100)],
        heartbeatSeconds: Double = 30, soakSeconds: Double = 600, deadlineSeconds: Double = 21_600,
        onDeadline: DeadlineAction = .halt, errorBudget: Double = 0.01,
        metrics: [MetricPolicy] = [MetricPolicy(name: "failures")], noDataSeconds: Double = 900,
        watchSeconds: Double = 86_400, holdbackShare: Double = 0.02, updateSeconds: Double = 600,
        concurrentUpdates: Int = 500, unit: String = Policy.deviceUnit, dryRun: Bool = false,
        smallFleetDevices: Int = 20,
        smallFleetSoakSeconds: Double = 7200, approvals: Int = 0
    ) {
        self.name = name
        self.steps = steps
        self.heartbeatSeconds = heartbeatSeconds
        self.soakSeconds = soakSeconds
        self.deadlineSeconds = deadlineSeconds
        self.onDeadline = onDeadline
        self.errorBudget = errorBudget
        self.metrics = metrics
        self.noDataSeconds = noDataSeconds
        self.watchSeconds = watchSeconds
        self.holdbackShare = holdbackShare
        self.updateSeconds = updateSeconds
        self.concurrentUpdates = concurrentUpdates
        self.unit = unit
        self.dryRun = dryRun
        self.smallFleetDevices = smallFleetDevices
        self.smallFleetSoakSeconds = smallFleetSoakSeconds
        self.approvals = approvals
    }
}
