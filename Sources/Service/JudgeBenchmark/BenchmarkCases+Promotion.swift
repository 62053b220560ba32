import CanaryAnalysis
import FleetSimulation
import RecordedFleets

extension BenchmarkCases {
    /// Versions exactly as bad as what is tolerated, or worse in places: no step of theirs may be proven.
    static let intolerable: [BenchmarkCase] =
        [
            atMargin("equal", "equal devices", equal), atMargin("beta", "devices differ", beta),
            atMargin("bursty", "bursty fleet", bursty),
            atMargin("heavy", "a few devices have most failures", bursty { $0.diversity = .beta(shape: 0.2) }),
            atMargin("stale", "history is stale", bursty { $0.weather.drift = 0.8 }),
            atMargin("slow", "20 % of swaps take 2 to 6 min", bursty { $0.exposure = .slow(share: 0.2) }),
            atMargin("late", "updates take longer than a heartbeat", bursty { $0.exposure = .late }),
            atMargin("restart", "updates at restarts", bursty { $0.exposure = .atRestart }),
            atMargin("quiet", "updates when a device is quiet", bursty { $0.exposure = .whenQuiet }),
            atMargin("away", "15 % of devices are away", bursty { $0.connections.away = 0.15 }),
            atMargin("outage", "a gateway fails", bursty { $0.connections.outage = 0.06 }),
            atMargin("lost", "1 % of heartbeats is lost", bursty { $0.connections.lost = 0.01 }),
            atMargin("frequent", "5 % of requests fail", bursty { $0.failureRate = 0.05 }),
            atMargin(
                "small-120", "12 of 120 devices",
                bursty {
                    $0.devices = 120
                    $0.steps = [SimulatedStart(share: 0.1)]
                }),
            atMargin("whole-sites", "five whole sites of 50, 20 with incidents", siteFleet),
            atMargin(
                "half", "half of the fleet",
                bursty {
                    $0.devices = 200
                    $0.steps = [SimulatedStart(share: 0.5)]
                }),
        ] + absolute + concentrated

    private static func atMargin(_ name: String, _ title: String, _ fleet: SimulatedFleet) -> BenchmarkCase {
        ended(
            BenchmarkCase(
                "\(name)-margin", "\(title), x1.5 where 1.5 is tolerated", .intolerable, fleet: harmed(fleet, 1.5),
                policy: policy(1.5), runs: .init(quick: 10, full: 300)))
    }

    private static func ended(_ one: BenchmarkCase) -> BenchmarkCase {
        var one = one
        one.endsWithProof = true
        return one
    }

    private static let absolute = [
        ended(
            BenchmarkCase(
                "zero-margin", "nothing failed before, 0.1 points more where 0.1 are tolerated", .intolerable,
                fleet: bursty {
                    $0.failureRate = 0
                    $0.version.addedFailures = 0.001
                }, policy: policy(1.5), runs: .init(quick: 10, full: 300))),
        ended(
            BenchmarkCase(
                "confidence-margin", "confidence falls by 0.02 where 0.02 is tolerated", .intolerable,
                fleet: bursty {
                    $0.measures = .confidence
                    $0.version.confidenceShift = -0.02
                }, policy: policy(1.5, [MetricPolicy(name: "confidence")]), runs: .init(quick: 6, full: 300))),
    ]

    private static let concentrated = [
        ended(
            BenchmarkCase(
                "class-x3", "x3 on one class in four where 1.5 is tolerated", .intolerable,
                fleet: harmed(
                    bursty {
                        $0.hardware = 4
                        $0.version.bearers = .firstHardware
                    }, 3), policy: policy(1.5), runs: .init(quick: 10, full: 300))),
        ended(
            BenchmarkCase(
                "swap-10", "10 % of the canaries die in the swap", .intolerable,
                fleet: bursty { $0.version.diesInSwap = 0.1 }, policy: policy(1.5), runs: .init(quick: 10, full: 300))),
    ]

    /// Good releases: they should be proven, and soon.
    static let good: [BenchmarkCase] = [
        good("equal", "equal devices", equal), good("beta", "devices differ", beta),
        good("bursty", "bursty fleet", bursty),
        good("slow", "20 % of swaps take 2 to 6 min", bursty { $0.exposure = .slow(share: 0.2) }),
        good("zero", "nothing ever fails", bursty { $0.failureRate = 0 }),
        good("away", "15 % of devices are away at any time", bursty { $0.connections.away = 0.15 }),
        good("outage", "a gateway of 6 % of both arms fails", bursty { $0.connections.outage = 0.06 }),
    ]

    private static func good(_ name: String, _ title: String, _ fleet: SimulatedFleet) -> BenchmarkCase {
        BenchmarkCase(
            "\(name)-good", "\(title), a good release where 1.5 is tolerated", .harmless, fleet: fleet,
            policy: policy(1.5), runs: .init(quick: 10, full: 200))
    }
}
