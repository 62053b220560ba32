import RealModule

/// What a fleet is like, as far as a forecast needs to know: its devices in a few classes of like ones.
public struct ForecastFleet: Sendable {
    /// One device as its history tells.
    public struct Device: Sendable {
        /// Requests in one tick.
        public var requestsPerTick: Double
        /// Its history of requests and failures, decayed.
        public var history: Tally

        /// Describes a device.
        public init(requestsPerTick: Double, history: Tally) {
            self.requestsPerTick = requestsPerTick
            self.history = history
        }

        /// What units are like whose devices are drawn together; a device without a unit is one of its own.
        public static func sums(_ devices: [Device], by unit: [String?]) -> [Device] {
            guard let units = Units(unit) else { return devices }
            var sums = [Device](repeating: Device(requestsPerTick: 0, history: Tally()), count: units.count)
            for (unit, device) in zip(units.ofDevice, devices) {
                sums[unit].requestsPerTick += device.requestsPerTick
                sums[unit].history += device.history
            }
            return sums
        }
    }

    /// Devices that are alike.
    struct DeviceClass: Sendable {
        /// Their share of the fleet, in 0...1.
        let share: Double
        /// Requests of one in one tick.
        let requests: Double
        /// The share of failures that is expected of one.
        let rate: Double
        /// The variance of a device's true rate against that, relative.
        let spread: Double
    }

    /// How many devices there are.
    public let devices: Int
    /// Requests of one device in one tick, on average.
    public let requestsPerTick: Double
    /// The share of failures among all requests, by history.
    public let failureRate: Double
    /// How far devices differ: the relative standard deviation of their rates beyond chance.
    public let deviceSpread: Double
    let classes: [DeviceClass]

    /// Sorts devices into classes.
    ///
    /// - Parameters:
    ///   - devices: everyone who may be on a list.
    ///   - drift: the relative variance of a device's rate against its history from day to day, at least 0.
    public init(_ devices: [Device], drift: Double = 0) {
        let history = devices.map(\.history)
        let offsets = HistoryOffset(history, kind: .share, strata: devices.map { _ in 0 }).offsets
        var whole = Tally()
        for tally in history { whole += tally }
        self.devices = devices.count
        let rate = (whole.total + 0.5) / (whole.count + 1)
        failureRate = rate
        requestsPerTick = devices.reduce(0) { $0 + $1.requestsPerTick } / Double(max(1, devices.count))
        let between = Self.between(history, whole)
        deviceSpread = Double.sqrt(between)
        let order = devices.indices.sorted {
            (devices[$0].requestsPerTick * offsets[$0], $0) < (devices[$1].requestsPerTick * offsets[$1], $1)
        }
        let count = min(Self.mostClasses, order.count)
        classes = (0..<count).map { number in
            let members = order[(number * order.count / count)..<((number + 1) * order.count / count)]
            let size = Double(members.count)
            let requests = members.reduce(0) { $0 + devices[$1].requestsPerTick }
            let failures = members.reduce(0) { $0 + devices[$1].requestsPerTick * offsets[$1] }
            // What a gamma distribution of rates leaves open once so many failures were seen.
            let spread = members.reduce(0) { sum, index in
                sum + (between > 0 ? 1 / (1 / between + max(history[index].total, 0)) : 0)
            }
            return DeviceClass(
                share: size / Double(order.count), requests: requests / size,
                rate: requests > 0 ? failures / requests : rate, spread: spread / size + drift)
        }
    }

    /// The relative variance of devices' rates that their histories leave open, on average.
    public var residualSpread: Double { classes.reduce(0) { $0 + $1.share * $1.spread } }

    private static let mostClasses = 4

    /// The relative variance of devices' rates beyond chance, by analysis of variance.
    private static func between(_ history: [Tally], _ whole: Tally) -> Double {
        let known = history.filter { $0.count > 0 }
        guard known.count > 1, whole.total > 0, whole.total < whole.count else { return 0 }
        let mean = whole.total / whole.count
        let sum = known.reduce(0) { sum, device in
            let difference = device.total / device.count - mean
            return sum + device.count * difference * difference
        }
        let squares = known.reduce(0) { $0 + $1.count * $1.count }
        let variance =
            (sum - Double(known.count - 1) * mean * (1 - mean)) / (whole.count - squares / whole.count)
        return max(0, variance) / (mean * mean)
    }
}
