/// A fleet to be simulated: what its devices are like, what happens to them, and what the new version does.
///
/// Everything is drawn from a seed that is given later; the same fleet and seed give the same rows everywhere.
public struct SimulatedFleet: Hashable, Sendable {
    /// How many devices there are.
    public var devices = 1_000
    /// The steps of the rollout.
    public var steps = [SimulatedStart(share: 0.05)]
    /// When the version is given to the rest, and who stays behind; nil for never.
    public var end: SimulatedEnd?
    /// The length of a heartbeat interval in seconds.
    public var tickSeconds = 30.0
    /// Requests of a device with the mean load in one interval.
    public var requests = 10.0
    /// The share of failed requests on the old version.
    public var failureRate = 0.01
    /// How devices differ.
    public var diversity = Diversity.equal
    /// Sites, over which devices are spread evenly; 0 for none.
    public var sites = 0
    /// Hardware classes, over which devices are spread evenly; 0 for none.
    public var hardware = 0
    /// What a step draws.
    public var unit = DrawnUnit.device
    /// What happens to old and new version alike.
    public var weather = Weather()
    /// How heartbeats arrive.
    public var connections = Connections()
    /// When a device that was told to update begins to run the new version.
    public var exposure = Exposure.atOnce
    /// What the new version changes; nothing by default.
    public var version = NewVersion()
    /// What is measured.
    public var measures = Measures.failures
    /// Hours of history before the rollout.
    public var historyHours = 24.0

    /// Makes a fleet of equal devices, for a version that changes nothing.
    public init() {}
}

/// When a step starts and how far it goes.
public struct SimulatedStart: Hashable, Sendable {
    /// What starts a step.
    public enum Trigger: Hashable, Sendable {
        /// A time in seconds since the rollout's start.
        case at(Double)
        /// The proof of the step before.
        case proof
    }

    /// The share of the fleet that has been told to update once the step has started, in 0...1.
    public var share: Double
    /// What starts it.
    public var trigger: Trigger

    /// Makes a step; the first starts at once.
    public init(share: Double, trigger: Trigger = .at(0)) {
        self.share = share
        self.trigger = trigger
    }
}

/// What a step draws, and what its judge takes for drawn.
public enum DrawnUnit: Hashable, Sendable {
    /// Single devices.
    case device
    /// Whole sites.
    case site
    /// Whole sites, judged as if devices had been drawn: what the judge is to be protected from.
    case siteTakenForDevices
}

/// The end of a simulated rollout: the rest is drawn afresh, and a holdback stays behind.
public struct SimulatedEnd: Hashable, Sendable {
    /// When, in seconds since the rollout's start.
    public var atSeconds: Double
    /// The share of all devices that stays on the old version, in 0...1.
    public var holdbackShare: Double

    /// Makes an end; the holdback is the product's.
    public init(atSeconds: Double, holdbackShare: Double = 0.02) {
        self.atSeconds = atSeconds
        self.holdbackShare = holdbackShare
    }
}

/// How devices differ in how often they fail and how much they do.
public enum Diversity: Hashable, Sendable {
    /// Not at all.
    case equal
    /// Failure rates from a beta distribution with this shape and the fleet's mean, loads lognormal.
    case beta(shape: Double)
}

/// What happens to devices whichever version they run.
public struct Weather: Hashable, Sendable {
    /// The coefficient of variation of each device's level against its history.
    public var drift = 0.0
    /// The share of time that a device fails ten times as often, in bursts of five minutes on average.
    public var burstShare = 0.0
    /// How far the whole fleet's level swings within an hour.
    public var wave = 0.0
    /// The factor of an incident that strikes the whole fleet for five minutes; 1 for none.
    public var incident = 1.0
    /// How many sites have an incident of ten minutes and ten times the failures.
    public var siteIncidents = 0
    /// A change of the whole fleet's level at a time.
    public var level: LevelChange?

    /// Fine weather.
    public init() {}

    /// What a real fleet sees: 30 % drift, bursts, a wave of 20 %, and an incident.
    public static var rough: Self {
        var weather = Self()
        weather.drift = 0.3
        weather.burstShare = 0.01
        weather.wave = 0.2
        weather.incident = 2
        return weather
    }
}

/// A change of the whole fleet's level.
public struct LevelChange: Hashable, Sendable {
    /// Seconds since the rollout's start.
    public var atSeconds: Double
    /// The factor from then on.
    public var factor: Double

    /// Makes a change.
    public init(atSeconds: Double, factor: Double) {
        self.atSeconds = atSeconds
        self.factor = factor
    }
}

/// How heartbeats arrive; what is counted meanwhile comes with the next one.
public struct Connections: Hashable, Sendable {
    /// The share of heartbeats that are lost.
    public var lost = 0.0
    /// The share of devices that are away at any time, for ten minutes on average.
    public var away = 0.0
    /// The share of devices, of both arms alike, behind a gateway that fails for five minutes; 0 for none.
    public var outage = 0.0
    /// When it fails, in seconds since the rollout's start.
    public var outageAtSeconds = 600.0

    /// Connections without any loss.
    public init() {}
}

/// When a device that was told to update begins to run the new version.
public enum Exposure: Hashable, Sendable {
    /// Within seconds.
    case atOnce
    /// A share of the devices is silent for two to six minutes before.
    case slow(share: Double)
    /// After more than a heartbeat: 45 to 120 seconds.
    case late
    /// At the device's next restart; every failure may cause one.
    case atRestart
    /// When the device has little to do.
    case whenQuiet
}

/// What the new version changes.
public struct NewVersion: Hashable, Sendable {
    /// Which devices it harms.
    public enum Bearers: Hashable, Sendable {
        /// All.
        case everyone
        /// Those of the first hardware class.
        case firstHardware
        /// A share, whatever they are.
        case scattered(Double)
    }

    /// How many times as often devices fail.
    public var failureRatio = 1.0
    /// The share of requests that fail in addition.
    public var addedFailures = 0.0
    /// Which.
    public var bearers = Bearers.everyone
    /// When harm begins, in seconds since the rollout's start.
    public var beginsAtSeconds = 0.0
    /// How many canaries fail on every request, whatever else the version does.
    public var alwaysFailing = 0
    /// The share of canaries that fall silent for good.
    public var silentShare = 0.0
    /// The time after exposure within which they do, in seconds.
    public var silentWithinSeconds = 600.0
    /// The share of canaries that never come back from the update.
    public var diesInSwap = 0.0
    /// The share of heartbeats with failures that are lost for good, with what they counted.
    public var losesFailing = 0.0
    /// How much longer requests take.
    public var latencyRatio = 1.0
    /// By how much the mean confidence changes.
    public var confidenceShift = 0.0

    /// A version that changes nothing.
    public init() {}
}

/// What devices measure.
public enum Measures: Hashable, Sendable {
    /// Requests and failures.
    case failures
    /// The same and the mean confidence.
    case confidence
    /// The same as the first and latencies.
    case latency
    /// Failures, latencies and eight means, correlated: three quantiles make it twelve metrics.
    case twelve
}
