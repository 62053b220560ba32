import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import RivalJudges

/// The cases of the benchmark.
public enum BenchmarkCases {
    /// All, in the order of the table.
    public static let all = rivalled + harmless + harmful + partial + intolerable + good

    // MARK: - Policies

    /// A policy with one step's deadline of an hour, a soak of ten minutes and this tolerance of failures.
    static func policy(_ tolerance: Double = 1.25, _ more: [MetricPolicy] = []) -> RecordedPolicy {
        var policy = RecordedPolicy()
        policy.deadlineSeconds = 3_600
        policy.metrics = [MetricPolicy(name: "failures", relativeTolerance: tolerance)] + more
        return policy
    }

    /// Failures, three latencies and eight means, all guarded.
    static func twelve(_ tolerance: Double = 1.25) -> RecordedPolicy {
        policy(
            tolerance,
            [
                "latency", "confidence", "memory_mb", "temperature_c", "cpu_percent", "queue_length", "frame_age_ms",
                "disk_mb", "power_mw",
            ].map { MetricPolicy(name: $0) })
    }

    // MARK: - Fleets

    static func fleet(_ change: (inout SimulatedFleet) -> Void = { _ in }) -> SimulatedFleet {
        var fleet = SimulatedFleet()
        change(&fleet)
        return fleet
    }

    static let equal = fleet()

    /// Devices differ as much as they fail, and in their load.
    static let beta = fleet { $0.diversity = .beta(shape: 1) }

    /// What a real fleet is like: drift since the history, bursts, a wave, an incident.
    static let bursty = fleet {
        $0.diversity = .beta(shape: 1)
        $0.weather = .rough
    }

    /// A ramp by the clock, with the whole fleet's level trebling at its last step.
    static let staged = fleet {
        $0.diversity = .beta(shape: 1)
        $0.steps = [
            SimulatedStart(share: 0.05), SimulatedStart(share: 0.25, trigger: .at(1_200)),
            SimulatedStart(share: 0.5, trigger: .at(2_400)),
        ]
        $0.weather.level = LevelChange(atSeconds: 2_400, factor: 3)
    }

    /// A ramp that goes on when a step is proven.
    static let judged = fleet {
        $0.diversity = .beta(shape: 1)
        $0.weather = .rough
        $0.steps = [
            SimulatedStart(share: 0.05), SimulatedStart(share: 0.25, trigger: .proof),
            SimulatedStart(share: 0.5, trigger: .proof),
        ]
    }

    /// A bursty fleet of fifty sites of which every third or so has an incident; whole sites are drawn, five of them.
    static let siteFleet = bursty {
        $0.sites = 50
        $0.weather.siteIncidents = 20
        $0.unit = .site
        $0.steps = [SimulatedStart(share: 0.1)]
    }

    /// A bursty fleet that is changed in one respect.
    static func bursty(_ change: (inout SimulatedFleet) -> Void) -> SimulatedFleet {
        var fleet = bursty
        change(&fleet)
        return fleet
    }

    /// A fleet under a version that fails so many times as often.
    static func harmed(_ fleet: SimulatedFleet, _ ratio: Double) -> SimulatedFleet {
        var fleet = fleet
        fleet.version.failureRatio = ratio
        return fleet
    }

    // MARK: - The four fleets on which all judges are compared

    static let compared: [(name: String, title: String, fleet: SimulatedFleet)] = [
        ("equal", "equal devices", equal), ("beta", "devices differ", beta), ("bursty", "bursty fleet", bursty),
        ("staged", "staged ramp, level trebles", staged),
    ]

    static let rivalled: [BenchmarkCase] = compared.flatMap { fleet in
        [1.0, 1.25, 1.5, 2, 3, 5].map { ratio in
            let isHarmless = ratio == 1
            var one = BenchmarkCase(
                isHarmless ? "\(fleet.name)-harmless" : "\(fleet.name)-x\(label(ratio))",
                isHarmless ? "\(fleet.title), harmless" : "\(fleet.title), x\(label(ratio))",
                isHarmless ? .harmless : .harmful, fleet: harmed(fleet.fleet, ratio), policy: policy(),
                runs: fleet.name == "staged" ? stagedRuns(ratio) : runs(ratio))
            one.rivals = Rival.allCases
            one.knownEffect = isHarmless ? 1.5 : ratio
            return one
        }
    }

    private static func runs(_ ratio: Double) -> BenchmarkCase.Runs {
        ratio > 2
            ? BenchmarkCase.Runs(quick: 0, full: 200)
            : BenchmarkCase.Runs(quick: ratio == 1 ? 40 : 20, full: ratio == 1.25 ? 500 : 1_000)
    }

    private static func stagedRuns(_ ratio: Double) -> BenchmarkCase.Runs {
        ratio == 1 || ratio == 1.5
            ? BenchmarkCase.Runs(quick: ratio == 1 ? 6 : 0, full: ratio == 1 ? 1_000 : 200)
            : BenchmarkCase.Runs(quick: 0, full: 0)
    }

    /// A ratio in a name: 1.5, 2.
    static func label(_ ratio: Double) -> String {
        ratio == ratio.rounded() ? "\(Int(ratio))" : "\(ratio)"
    }
}
