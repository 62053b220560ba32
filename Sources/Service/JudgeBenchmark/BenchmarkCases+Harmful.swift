import CanaryAnalysis
import FleetSimulation
import RecordedFleets

extension BenchmarkCases {
    /// Versions that are harmful on every canary.
    static let harmful: [BenchmarkCase] = [
        BenchmarkCase(
            "twelve-x2", "one metric of twelve, x2", .harmful, fleet: harmed(bursty { $0.measures = .twelve }, 2),
            policy: twelve(), runs: .init(quick: 10, full: 1_000)),
        BenchmarkCase(
            "twelve-x1.5", "one metric of twelve, x1.5", .harmful,
            fleet: harmed(bursty { $0.measures = .twelve }, 1.5), policy: twelve(), runs: .init(quick: 6, full: 400)),
        begun("minute-30", "x2 from minute 30 on", at: 30, until: 90, runs: .init(quick: 6, full: 300)),
        begun(
            "hour-8", "x2 from hour 8 of the watch on", at: 560, until: 1_040, runs: .init(quick: 0, full: 60),
            change: { fleet in
                fleet.steps = [
                    SimulatedStart(share: 0.05), SimulatedStart(share: 0.25, trigger: .at(1_200)),
                    SimulatedStart(share: 0.5, trigger: .at(2_400)), SimulatedStart(share: 1, trigger: .at(3_600)),
                ]
                fleet.end = SimulatedEnd(atSeconds: 4_800)
            }),
        BenchmarkCase(
            "restart-x1.5", "x1.5, updates at restarts that trouble causes", .harmful,
            fleet: harmed(bursty { $0.exposure = .atRestart }, 1.5), policy: policy(1.5),
            runs: .init(quick: 0, full: 100)),
        BenchmarkCase(
            "quiet-x1.5", "x1.5, updates when a device is quiet", .harmful,
            fleet: harmed(bursty { $0.exposure = .whenQuiet }, 1.5), policy: policy(1.5),
            runs: .init(quick: 0, full: 100)),
        BenchmarkCase(
            "small-120-x3", "12 of 120 devices, x3", .harmful,
            fleet: harmed(
                bursty {
                    $0.devices = 120
                    $0.steps = [SimulatedStart(share: 0.1)]
                }, 3), policy: policy(), runs: .init(quick: 10, full: 300)),
        BenchmarkCase(
            "whole-sites-x2", "x2 on five whole sites of 50, 20 with incidents", .harmful,
            fleet: harmed(siteFleet, 2), policy: policy(1.5), runs: .init(quick: 10, full: 300)),
        BenchmarkCase(
            "losing-x1.5", "x1.5 and 30 % of heartbeats with failures are lost", .harmful,
            fleet: harmed(bursty { $0.version.losesFailing = 0.3 }, 1.5), policy: policy(1.5),
            runs: .init(quick: 0, full: 100)),
        BenchmarkCase(
            "confidence-down", "confidence falls by 0.04, 0.02 is tolerated", .harmful,
            fleet: bursty {
                $0.measures = .confidence
                $0.version.confidenceShift = -0.04
            }, policy: policy(1.25, [MetricPolicy(name: "confidence")]), runs: .init(quick: 6, full: 200)),
        BenchmarkCase(
            "latency-x1.6", "requests take 1.6 times as long, 1.25 is tolerated", .harmful,
            fleet: bursty {
                $0.measures = .latency
                $0.version.latencyRatio = 1.6
            }, policy: policy(1.25, [MetricPolicy(name: "latency")]), runs: .init(quick: 4, full: 200)),
    ]

    private static func begun(
        _ name: String, _ title: String, at begin: Double, until end: Double, runs: BenchmarkCase.Runs,
        change: (inout SimulatedFleet) -> Void = { _ in }
    ) -> BenchmarkCase {
        var one = BenchmarkCase(
            name, title, .harmful,
            fleet: harmed(
                bursty {
                    $0.version.beginsAtSeconds = begin * 60
                    // The incident belongs to the first hour; the wave goes on.
                    $0.connections.lost = 0.01
                    change(&$0)
                }, 2), policy: policy(), minutes: end, runs: runs)
        one.harmBeginsAtMinutes = begin
        return one
    }

    /// Versions that are harmful on some canaries, or silence them.
    static let partial: [BenchmarkCase] = [
        BenchmarkCase(
            "hardware-x10", "x10 on one hardware class in five", .harmful,
            fleet: harmed(
                bursty {
                    $0.hardware = 5
                    $0.version.bearers = .firstHardware
                }, 10), policy: policy(), runs: .init(quick: 15, full: 300)),
        BenchmarkCase(
            "scattered-x10", "x10 on 20 % of the canaries, whatever they are", .harmful,
            fleet: harmed(bursty { $0.version.bearers = .scattered(0.2) }, 10), policy: policy(),
            runs: .init(quick: 0, full: 200)),
        BenchmarkCase(
            "silent-10", "10 % of the canaries fall silent within 10 min", .harmful,
            fleet: bursty {
                $0.version.silentShare = 0.1
                $0.version.silentWithinSeconds = 600
                $0.connections.lost = 0.01
            }, policy: policy(1.5), runs: .init(quick: 15, full: 300)),
        BenchmarkCase(
            "silent-20", "10 % of the canaries fall silent within 20 min", .harmful,
            fleet: bursty {
                $0.version.silentShare = 0.1
                $0.version.silentWithinSeconds = 1_200
                $0.connections.lost = 0.01
            }, policy: policy(1.5), runs: .init(quick: 0, full: 200)),
        BenchmarkCase(
            "swap-16", "16 % of the canaries die in the swap", .harmful,
            fleet: bursty { $0.version.diesInSwap = 0.16 }, policy: policy(1.5), runs: .init(quick: 0, full: 100)),
        BenchmarkCase(
            "large-x1.05", "x1.05 on 10,000 devices, 1.25 is tolerated", .tolerable,
            fleet: harmed(beta(10_000), 1.05), policy: policy(), runs: .init(quick: 1, full: 60)),
        BenchmarkCase(
            "sites-by-device", "five whole sites of 50 compared device by device, harmless: what units are for",
            .tolerable, fleet: takenForDevices, policy: policy(1.5), runs: .init(quick: 10, full: 300)),
        BenchmarkCase(
            "confidence-inside", "confidence falls by 0.006, 0.02 is tolerated", .tolerable,
            fleet: bursty {
                $0.measures = .confidence
                $0.version.confidenceShift = -0.006
            }, policy: policy(1.25, [MetricPolicy(name: "confidence")]), runs: .init(quick: 6, full: 200)),
        BenchmarkCase(
            "one-failing", "one canary fails on every request, else harmless", .tolerable,
            fleet: bursty { $0.version.alwaysFailing = 1 }, policy: policy(1.5), runs: .init(quick: 0, full: 200)),
    ]

    private static let takenForDevices: SimulatedFleet = {
        var fleet = siteFleet
        fleet.unit = .siteTakenForDevices
        return fleet
    }()

    private static func beta(_ devices: Int) -> SimulatedFleet {
        fleet {
            $0.diversity = .beta(shape: 1)
            $0.devices = devices
        }
    }
}
