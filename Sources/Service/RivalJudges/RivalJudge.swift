import CanaryAnalysis
public import RecordedFleets

/// Requests and failures of one arm in one tick.
public struct ArmCounts: Hashable, Sendable {
    /// Requests.
    public var requests: Double
    /// Failures among them.
    public var failures: Double

    /// Makes counts; none by default.
    public init(requests: Double = 0, failures: Double = 0) {
        self.requests = requests
        self.failures = failures
    }

    /// Adds counts.
    public static func += (left: inout ArmCounts, right: ArmCounts) {
        left.requests += right.requests
        left.failures += right.failures
    }
}

/// What a rival sees of one tick.
public struct RivalTick: Sendable {
    /// Seconds since the rollout's start at the tick's end.
    public var seconds: Double
    /// Devices that were told to update, before this tick.
    public var canary: ArmCounts
    /// All others.
    public var baseline: ArmCounts
    /// The rows that arrived.
    public var rows: [RecordedRow]
    /// Whether each device was told to update, before this tick.
    public var isCanary: [Bool]
    /// Of the rows of the new version: their failures.
    public var newFailures: Double
    /// Of the same rows: the failures that the old version would have been expected to have, as nobody can know.
    public var newExpected: Double

    /// Makes a tick.
    public init(
        seconds: Double, rows: [RecordedRow], isCanary: [Bool], newFailures: Double = 0, newExpected: Double = 0
    ) {
        self.seconds = seconds
        self.rows = rows
        self.isCanary = isCanary
        self.newFailures = newFailures
        self.newExpected = newExpected
        canary = ArmCounts()
        baseline = ArmCounts()
        for row in rows {
            let counts = ArmCounts(requests: row.measurements.requests, failures: row.measurements.failures)
            if isCanary[row.device] { canary += counts } else { baseline += counts }
        }
    }
}

/// The rule of another judge, written anew from its documentation, to be compared on the same rows.
public protocol RivalJudge: Sendable {
    /// Takes in a tick; true where the rule takes the version back.
    mutating func endTick(_ tick: RivalTick) -> Bool
}

/// The rivals.
public enum Rival: String, Hashable, Sendable, CaseIterable {
    /// Kayenta's judge, once after an hour, as its documentation advises.
    case kayentaOnce = "kayenta-once"
    /// The same every ten minutes.
    case kayenta
    /// A ratio of failure rates over five minutes above 1.5, more than three times.
    case argo
    /// A ratio of failure rates over one minute above 1.5, five times.
    case flagger
    /// An asymptotic confidence sequence on device means.
    case growthbook
    /// An anytime-valid test of counts that takes requests for independent.
    case counts
    /// The limit: a sequential test that knows every device's rate and the effect.
    case limit

    /// Its name for a table.
    public var title: String {
        switch self {
        case .kayentaOnce: "Kayenta, once at 60 min"
        case .kayenta: "Kayenta, every 10 min"
        case .argo: "Argo Rollouts, ratio over 5 min > 1.5"
        case .flagger: "Flagger, ratio over 1 min > 1.5"
        case .growthbook: "GrowthBook, confidence sequence"
        case .counts: "anytime-valid counts (Lindon and Malek)"
        case .limit: "limit: sequential test that knows all rates"
        }
    }

    /// The judge, for so many devices and, where it may know it, the effect.
    public func judge(devices: Int, effect: Double) -> any RivalJudge {
        switch self {
        case .kayentaOnce: KayentaRule(everySeconds: 3_600)
        case .kayenta: KayentaRule(everySeconds: 600)
        case .argo: RatioRule(windowSeconds: 300, ratio: 1.5, failuresNeeded: 4)
        case .flagger: RatioRule(windowSeconds: 60, ratio: 1.5, failuresNeeded: 5)
        case .growthbook: ConfidenceSequenceRule(devices: devices, alpha: 0.01)
        case .counts: CountRule(alpha: 0.01)
        case .limit: KnownRatesRule(effect: effect, alpha: 0.01)
        }
    }
}
