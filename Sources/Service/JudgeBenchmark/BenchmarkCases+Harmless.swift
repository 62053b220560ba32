import CanaryAnalysis
import FleetSimulation
import RecordedFleets

extension BenchmarkCases {
    /// Versions that change nothing, in fleets that make it hard to see.
    static let harmless: [BenchmarkCase] =
        trapped("heavy", "a few devices have most failures") { $0.diversity = .beta(shape: 0.2) }
        + trapped("stale", "history is stale") { $0.weather.drift = 0.8 }
        + trapped("sites", "three of twenty sites have incidents") {
            $0.sites = 20
            $0.hardware = 4
            $0.weather.siteIncidents = 3
        }
        + trapped("slow", "20 % of swaps take 2 to 6 min") { $0.exposure = .slow(share: 0.2) }
        + trapped("restart", "updates at restarts that trouble causes") { $0.exposure = .atRestart }
        + trapped("quiet", "updates when a device is quiet") { $0.exposure = .whenQuiet }
        + trapped("late", "updates take longer than a heartbeat") { $0.exposure = .late }
        + trapped("outage", "a gateway of 6 % of both arms fails") { $0.connections.outage = 0.06 }
        + trapped("outage-slow", "the same while canaries are updating") {
            $0.connections.outage = 0.06
            $0.connections.outageAtSeconds = 60
            $0.exposure = .slow(share: 0.2)
        }
        + trapped("lost", "1 % of heartbeats is lost") { $0.connections.lost = 0.01 }
        + trapped("away", "15 % of devices are away at any time") { $0.connections.away = 0.15 }
        + trapped("strata", "sites of one to five devices") {
            $0.sites = 333
            $0.hardware = 7
        }
        + trapped("rare", "0.1 % of requests fail") { $0.failureRate = 0.001 }
        + trapped("frequent", "5 % of requests fail") { $0.failureRate = 0.05 }
        + trapped("zero", "nothing ever fails") { $0.failureRate = 0 }
        + trapped("small-120", "12 of 120 devices") {
            $0.devices = 120
            $0.steps = [SimulatedStart(share: 0.1)]
        }
        + trapped("small-100", "5 of 100 devices") { $0.devices = 100 }
        + trapped("small-200", "10 of 200 devices") { $0.devices = 200 }
        + wholeSites + metrics + ramps

    private static let wholeSites = [
        BenchmarkCase(
            "whole-sites-harmless", "whole sites, 20 of 50 with incidents, harmless", .harmless, fleet: siteFleet,
            policy: policy(1.5), runs: .init(quick: 20, full: 1_000))
    ]

    private static func trapped(
        _ name: String, _ title: String, _ change: (inout SimulatedFleet) -> Void
    ) -> [BenchmarkCase] {
        [
            BenchmarkCase(
                "\(name)-harmless", "\(title), harmless", .harmless, fleet: bursty(change), policy: policy(),
                runs: .init(quick: 10, full: 200))
        ]
    }

    private static let metrics = [
        BenchmarkCase(
            "confidence-harmless", "confidence drifts, harmless", .harmless,
            fleet: bursty { $0.measures = .confidence }, policy: policy(1.25, [MetricPolicy(name: "confidence")]),
            runs: .init(quick: 10, full: 300)),
        BenchmarkCase(
            "latency-harmless", "latencies, harmless", .harmless, fleet: bursty { $0.measures = .latency },
            policy: policy(1.25, [MetricPolicy(name: "latency")]), runs: .init(quick: 6, full: 300)),
        BenchmarkCase(
            "twelve-harmless", "twelve metrics, harmless", .harmless, fleet: bursty { $0.measures = .twelve },
            policy: twelve(), runs: .init(quick: 6, full: 300)),
        BenchmarkCase(
            "twelve-beta-harmless", "twelve metrics, devices differ, harmless", .harmless,
            fleet: fleet {
                $0.diversity = .beta(shape: 1)
                $0.measures = .twelve
            }, policy: twelve(), runs: .init(quick: 0, full: 100)),
    ]

    private static let ramps = [
        BenchmarkCase(
            "judged-harmless", "5, 25 and 50 %, each when the one before is proven; harmless", .harmless,
            fleet: judged, policy: policy(1.5), runs: .init(quick: 4, full: 200)),
        tenSteps,
    ]

    /// Ten steps with a budget of 0.2 %: each must still be able to fire.
    private static let tenSteps: BenchmarkCase = {
        var budgeted = policy(1.5)
        budgeted.errorBudget = 0.002
        return BenchmarkCase(
            "ten-steps", "ten steps at a budget of 0.2 %, harmless", .harmless,
            fleet: fleet { fleet in
                fleet.diversity = .beta(shape: 1)
                fleet.steps = (1...10).map { step in
                    SimulatedStart(share: 0.05 * Double(step), trigger: .at(300 * Double(step - 1)))
                }
            }, policy: budgeted, runs: .init(quick: 0, full: 10))
    }()
}
