import RealModule

/// What is fixed about a simulated device.
public struct SimulatedDevice: Hashable, Sendable {
    /// Its id.
    public let id: String
    /// Its site; empty where there are none.
    public let site: String
    /// Its hardware; empty where there is none.
    public let hardware: String
    /// The mean number of requests in one heartbeat interval.
    public let load: Double
    /// The share of failed requests on the old version before the rollout, in the long run.
    public let pastRate: Double
    /// The same from the rollout's start, before whatever happens.
    public let rate: Double
    /// How far its latencies are from the fleet's, as a logarithm.
    let slowness: Double
    /// How far each mean is from the fleet's, in that mean's unit.
    let offsets: [Double]

    /// Its labels.
    public var labels: [String: String] {
        var labels: [String: String] = [:]
        if !site.isEmpty { labels["site"] = site }
        if !hardware.isEmpty { labels["hw"] = hardware }
        return labels
    }

    /// The name of its site and hardware together; empty where it has neither.
    public var stratum: String { site.isEmpty && hardware.isEmpty ? "" : "\(site)/\(hardware)" }

    init(_ index: Int, of fleet: SimulatedFleet, chance: inout Chance) {
        id = "device-\(index)"
        hardware = fleet.hardware > 0 ? "hw\(index % fleet.hardware)" : ""
        // Sites are runs of devices, so that a site holds every hardware.
        site = fleet.sites > 0 ? "site\(index * fleet.sites / fleet.devices)" : ""
        switch fleet.diversity {
        case .equal:
            load = fleet.requests
            pastRate = fleet.failureRate
        case .beta(let shape):
            load = fleet.requests * chance.lognormal(sigma: 0.6)
            pastRate =
                fleet.failureRate <= 0
                ? 0 : chance.beta(shape, shape * (1 - fleet.failureRate) / fleet.failureRate)
        }
        let sigma = Double.sqrt(Double.log(onePlus: fleet.weather.drift * fleet.weather.drift))
        rate = sigma > 0 ? pastRate * chance.lognormal(sigma: sigma) : pastRate
        switch fleet.measures {
        case .failures: (slowness, offsets) = (0, [])
        case .confidence: (slowness, offsets) = (0, [0.05 * chance.normal()])
        case .latency: (slowness, offsets) = (0.3 * chance.normal(), [])
        case .twelve:
            slowness = 0.3 * chance.normal()
            offsets = SimulatedMean.twelve.map { mean in mean.betweenDevices * chance.normal() }
        }
    }
}

/// A mean that devices measure.
struct SimulatedMean {
    let name: String
    let level: Double
    /// Standard deviations: between devices, of one sample, from day to day, and of the noise from tick to tick.
    let betweenDevices: Double
    let ofSample: Double
    let fromDayToDay: Double
    let fromTickToTick: Double

    static let confidence = SimulatedMean(
        name: "confidence", level: 0.8, betweenDevices: 0.05, ofSample: 0.15, fromDayToDay: 0.01, fromTickToTick: 0.02)

    /// The eight means of the twelve metrics.
    static let twelve =
        [confidence]
        + [
            ("memory_mb", 400.0), ("temperature_c", 55), ("cpu_percent", 40), ("queue_length", 6), ("frame_age_ms", 80),
            ("disk_mb", 900), ("power_mw", 2_500),
        ].map { name, level in
            SimulatedMean(
                name: name, level: level, betweenDevices: 0.1 * level, ofSample: 0.2 * level,
                fromDayToDay: 0.02 * level, fromTickToTick: 0.02 * level)
        }

    static func measured(by measures: Measures) -> [SimulatedMean] {
        switch measures {
        case .failures, .latency: []
        case .confidence: [confidence]
        case .twelve: twelve
        }
    }
}

/// The latency buckets of simulated devices: their bounds grow by the same factor.
enum SimulatedLatency {
    static let lowest = 0.005
    static let growth = 1.4
    static let bounds = (0..<22).map { lowest * Double.pow(growth, Double($0)) }
    /// The median request, and how requests of one device differ, as a logarithm.
    static let median = 0.08
    static let sigma = 0.5

    private static let logLowest = Double.log(lowest)
    private static let logGrowth = Double.log(growth)

    /// The bucket of a latency given by its logarithm.
    static func bucket(log value: Double) -> Int {
        min(bounds.count, max(0, Int(((value - logLowest) / logGrowth).rounded(.up))))
    }

    /// The probability of each bucket for a device.
    static func probabilities(center: Double) -> [Double] {
        var before = 0.0
        var all = bounds.map { bound in
            let below = 0.5 * Double.erfc(-(Double.log(bound) - center) / (sigma * Double.sqrt(2)))
            defer { before = below }
            return below - before
        }
        all.append(1 - before)
        return all
    }
}
