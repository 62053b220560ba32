import CanaryAnalysis
import Fleet
import FleetSimulation
import Rollouts

/// Measures what a forecast costs for a fleet of any size whose devices all differ.
public enum ForecastProbe {
    /// Forecasts the default policy so many times.
    public static func measure(devices: Int, times: Int) throws -> CostFigure {
        var chance = Chance(seed: 1, stream: 78)
        let fleet = ForecastFleet(
            (0..<devices).map { _ in
                let rate = 0.01 * (0.5 + chance.uniform())
                return ForecastFleet.Device(
                    requestsPerTick: 5 + 10 * chance.uniform(),
                    history: Tally(count: 28_800, total: Double(chance.binomial(28_800, rate: rate))))
            })
        let outlook = FleetOutlook(
            devices: devices, away: devices / 50, requestsPerTick: fleet.requestsPerTick,
            failureRate: fleet.failureRate, deviceSpread: fleet.deviceSpread, drift: nil, exposedFrom: 3,
            isMeasured: false)
        let policy = Policy(name: try PolicyName("default"))
        return CostFigure(
            .forecast, devices: devices,
            seconds: (0..<times).map { _ in
                CostFigure.seconds {
                    _ = PlanForecaster(policy, fleet, outlook).forecast(rolloutsPerYear: 52)
                }
            })
    }
}
