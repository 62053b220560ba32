public import CanaryAnalysis
import RealModule
public import RecordedFleets

/// A simulated fleet on its way through time: told to update, it gives each tick's rows.
///
/// One tick is one heartbeat interval of every device. All chance comes from the seed; devices and their history, their
/// updates and what happens to them have streams of their own, so that another version meets the same devices.
public struct FleetCourse: Sendable {
    /// The mean length of a burst, and how many times as often a device fails in one.
    static let burstMinutes = 5.0
    static let burstFactor = 10.0
    /// How long a device is away on average.
    static let awayMinutes = 10.0

    /// What is simulated.
    public let fleet: SimulatedFleet
    /// The devices.
    public let devices: [SimulatedDevice]
    /// What each measured before the rollout, and since on the old version until it was told to update.
    public internal(set) var histories: [Measurements]
    /// Ticks that have ended.
    public private(set) var tick = 0
    /// When each device was told to update, in seconds since the rollout's start; nil for not yet.
    public private(set) var commandedAt: [Double?]
    /// When each began to run the new version, in seconds since the rollout's start; infinite for not yet.
    public internal(set) var exposedAt: [Double]
    /// Whether each device's latest row is of the new version alone.
    public internal(set) var isNew: [Bool]
    /// The failures that were to be expected of each device's latest row, had it been of the old version.
    public internal(set) var expectations: [Double]

    var states: [DeviceState]
    var chance: Chance
    var sites: SiteIncidents
    var fleetWide: FleetWeather
    private var updates: Chance

    /// Starts a fleet from a seed.
    public init(_ fleet: SimulatedFleet, seed: UInt64) {
        self.fleet = fleet
        var making = Chance(seed: seed, stream: 11)
        devices = (0..<fleet.devices).map { SimulatedDevice($0, of: fleet, chance: &making) }
        let history = SimulatedHistory(fleet: fleet)
        histories = devices.map { history.draw($0, chance: &making) }
        fleetWide = FleetWeather(fleet, chance: &making)
        sites = SiteIncidents(fleet, chance: &making)
        chance = Chance(seed: seed, stream: 12)
        updates = Chance(seed: seed, stream: 13)
        commandedAt = [Double?](repeating: nil, count: fleet.devices)
        exposedAt = [Double](repeating: .infinity, count: fleet.devices)
        isNew = [Bool](repeating: false, count: fleet.devices)
        expectations = [Double](repeating: 0, count: fleet.devices)
        var starting = Chance(seed: seed, stream: 14)
        states = devices.map { DeviceState($0, fleet: fleet, chance: &starting) }
    }

    /// Seconds since the rollout's start.
    public var now: Double { Double(tick) * fleet.tickSeconds }

    /// What the places of measurements stand for.
    public var names: MeasurementNames {
        let hasLatency = fleet.measures == .latency || fleet.measures == .twelve
        return MeasurementNames(
            latencyBounds: hasLatency ? SimulatedLatency.bounds : [],
            means: SimulatedMean.measured(by: fleet.measures).map(\.name))
    }

    /// Whether the device was heard within the last ten minutes.
    public func isKnown(_ device: Int) -> Bool { states[device].silentSince > now - 600 }

    /// Tells devices to update, now.
    public mutating func command(_ commanded: [Int]) {
        let version = fleet.version
        let dying = some(version.diesInSwap, of: commanded)
        let silenced = some(version.silentShare, of: commanded)
        for device in commanded where commandedAt[device] == nil {
            commandedAt[device] = now
            states[device].bears = bears(device)
            if dying.contains(device) {
                states[device].fallsSilentAt = now
                continue
            }
            states[device].silentAfterExposure =
                silenced.contains(device) ? updates.uniform() * version.silentWithinSeconds : .infinity
            switch fleet.exposure {
            case .atOnce: states[device].startsAt = now + 3 + 12 * updates.uniform()
            case .late: states[device].startsAt = now + 45 + 75 * updates.uniform()
            case .slow(let share):
                let isSlow = updates.uniform() < share
                states[device].swapsSilently = isSlow
                states[device].startsAt = now + (isSlow ? 120 + 240 * updates.uniform() : 3 + 12 * updates.uniform())
            case .atRestart, .whenQuiet: break
            }
        }
        // The first of them, whoever that is: they were drawn at random.
        for device in commanded.prefix(version.alwaysFailing) { states[device].alwaysFails = true }
    }

    /// Exactly a share of some devices, rounded.
    private mutating func some(_ share: Double, of devices: [Int]) -> Set<Int> {
        let count = Int((share * Double(devices.count)).rounded())
        var devices = devices
        for place in 0..<count {
            devices.swapAt(place, place + Int(updates.uniform() * Double(devices.count - place)))
        }
        return Set(devices.prefix(count))
    }

    private mutating func bears(_ device: Int) -> Bool {
        switch fleet.version.bearers {
        case .everyone: true
        case .firstHardware: devices[device].hardware == "hw0"
        case .scattered(let share): updates.uniform() < share
        }
    }

    /// Lets one heartbeat interval pass and returns the rows that arrived in it.
    public mutating func endTick() -> [RecordedRow] {
        tick += 1
        fleetWide.advance(to: now - fleet.tickSeconds / 2)
        var rows: [RecordedRow] = []
        rows.reserveCapacity(devices.count)
        for device in devices.indices {
            if let measured = advance(device) {
                rows.append(RecordedRow(device: device, measurements: measured))
            }
        }
        return rows
    }
}

/// What changes about a simulated device.
struct DeviceState: Sendable {
    /// Until when it is in a burst, and from when it is in the next.
    var burstUntil = -Double.infinity
    var nextBurst = Double.infinity
    /// Until when it is away, and from when it is next.
    var awayUntil = -Double.infinity
    var nextAway = Double.infinity
    /// The end of the last interval that was heard of.
    var silentSince = 0.0
    /// Whether the gateway that fails is its own.
    var isBehindGateway = false
    /// When an update starts the new version; infinite where something else starts it.
    var startsAt = Double.infinity
    var swapsSilently = false
    var silentAfterExposure = Double.infinity
    var fallsSilentAt = Double.infinity
    /// Whether the new version harms it.
    var bears = true
    var alwaysFails = false
    /// The noise that all its metrics share, and that of each mean.
    var mood = 0.0
    var strayed: [Double] = []
    /// What was counted and has not arrived, and the failures expected of that.
    var pending = Measurements()
    var hasPending = false
    var expected = 0.0
    /// The probability of no request in an interval.
    let none: Double

    init(_ device: SimulatedDevice, fleet: SimulatedFleet, chance: inout Chance) {
        none = Double.exp(-device.load)
        if fleet.weather.burstShare > 0 {
            let burst = FleetCourse.burstMinutes * 60
            if chance.uniform() < fleet.weather.burstShare { burstUntil = chance.exponential(mean: burst) }
            nextBurst = max(0, burstUntil) + chance.exponential(mean: burst / fleet.weather.burstShare)
        }
        if fleet.connections.away > 0 {
            let away = FleetCourse.awayMinutes * 60
            let present = away * (1 - fleet.connections.away) / fleet.connections.away
            if chance.uniform() < fleet.connections.away {
                awayUntil = chance.exponential(mean: away)
                silentSince = -chance.exponential(mean: away)
            }
            nextAway = max(0, awayUntil) + chance.exponential(mean: present)
        }
        isBehindGateway = fleet.connections.outage > 0 && chance.uniform() < fleet.connections.outage
        strayed = SimulatedMean.measured(by: fleet.measures).map { $0.fromDayToDay * chance.normal() }
        if !strayed.isEmpty { mood = chance.normal() }
    }
}
