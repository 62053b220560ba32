import RealModule

/// The level that the whole fleet shares: a wave, an incident, a change.
struct FleetWeather: Sendable {
    private(set) var level = 1.0
    private let weather: Weather
    private let phase: Double
    private let incidentAt: Double

    init(_ fleet: SimulatedFleet, chance: inout Chance) {
        weather = fleet.weather
        phase = 2 * Double.pi * chance.uniform()
        incidentAt = 600 + 2_400 * chance.uniform()
    }

    mutating func advance(to seconds: Double) {
        level = 1 + weather.wave * Double.sin(2 * Double.pi * seconds / 3_600 + phase)
        if seconds >= incidentAt, seconds < incidentAt + 300 { level *= weather.incident }
        if let change = weather.level, seconds >= change.atSeconds { level *= change.factor }
    }
}

/// Sites that fail for ten minutes each, at some time within the first hour.
struct SiteIncidents: Sendable {
    private let startedAt: [Double]
    private let siteOf: [Int]

    init(_ fleet: SimulatedFleet, chance: inout Chance) {
        guard fleet.weather.siteIncidents > 0, fleet.sites > 0 else {
            (startedAt, siteOf) = ([], [])
            return
        }
        var startedAt = [Double](repeating: .infinity, count: fleet.sites)
        for _ in 0..<fleet.weather.siteIncidents {
            startedAt[Int(chance.uniform() * Double(fleet.sites))] = 3_000 * chance.uniform()
        }
        self.startedAt = startedAt
        siteOf = (0..<fleet.devices).map { $0 * fleet.sites / fleet.devices }
    }

    func factor(of device: Int, at seconds: Double) -> Double {
        guard !startedAt.isEmpty else { return 1 }
        let start = startedAt[siteOf[device]]
        return seconds >= start && seconds < start + 600 ? 10 : 1
    }
}
