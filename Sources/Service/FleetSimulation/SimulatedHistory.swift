import CanaryAnalysis
import RealModule

/// What simulated devices measured before the rollout.
struct SimulatedHistory {
    let fleet: SimulatedFleet

    /// One device's history: its counts at its past level, bursts included.
    func draw(_ device: SimulatedDevice, chance: inout Chance) -> Measurements {
        let ticks = (fleet.historyHours * 3600 / fleet.tickSeconds).rounded()
        let requests = chance.poisson(mean: device.load * ticks)
        let rate = min(1, device.pastRate * level(chance: &chance))
        var history = Measurements(
            requests: Double(requests), failures: Double(chance.binomial(requests, rate: rate)))
        if fleet.measures == .latency || fleet.measures == .twelve {
            history.latency = latencies(requests, of: device, chance: &chance)
        }
        history.means = zip(SimulatedMean.measured(by: fleet.measures), device.offsets).map { mean, offset in
            let count = Double(requests)
            // Noise from tick to tick is correlated (0.8), so that a day of it does not vanish as fast as samples do.
            let noise = mean.fromTickToTick * 3 / Double.sqrt(max(1, ticks))
            let strayed = chance.normal() * (noise + mean.ofSample / Double.sqrt(max(1, count)))
            return Tally(count: count, total: count * (mean.level + offset + strayed))
        }
        return history
    }

    /// By how much bursts raised the device's level in the long run.
    private func level(chance: inout Chance) -> Double {
        let share = fleet.weather.burstShare
        guard share > 0 else { return 1 }
        let minutes = fleet.historyHours * 60
        let bursts = chance.poisson(mean: minutes * share / FleetCourse.burstMinutes)
        let burst = bursts == 0 ? 0 : FleetCourse.burstMinutes * chance.gamma(shape: Double(bursts))
        return 1 + (FleetCourse.burstFactor - 1) * min(1, burst / max(1, minutes))
    }

    private func latencies(_ requests: Int, of device: SimulatedDevice, chance: inout Chance) -> [Double] {
        let center = Double.log(SimulatedLatency.median) + device.slowness
        var left = requests
        var mass = 1.0
        return SimulatedLatency.probabilities(center: center).map { probability in
            guard mass > 1e-12 else { return 0 }
            let count = chance.binomial(left, rate: min(1, probability / mass))
            left -= count
            mass -= probability
            return Double(count)
        }
    }
}
