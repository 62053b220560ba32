import CanaryAnalysis
import FleetSimulation
import Foundation

/// What judging a large fleet costs.
public struct CostFigure: Sendable {
    /// Which measurement: `five` for one step of 5 %, `ramp` for steps of 5, 25 and 50 % judged at once.
    public let name: String
    /// Devices.
    public let devices: Int
    /// Ticks that were judged.
    public let ticks: Int
    /// The time of the longest tick and of the middle one, on one core, in seconds.
    public let worstSeconds: Double
    /// The time of the middle tick.
    public let medianSeconds: Double
    /// The largest resident size of the process so far, in MiB.
    public let peakMebibytes: Double
}

/// Measures what a tick of the judge costs for a fleet of any size with twelve metrics.
public struct CostProbe {
    private let devices: Int
    private var steps: [StepJudge] = []
    private var lists: [[Int]] = []
    private var isCommanded: [Bool]
    private var chance = Chance(seed: 1, stream: 77)

    private static let metrics: [MetricPlan] =
        [MetricPlan(name: "failures", margin: .relative(1.25))]
        + ["latency_p50", "latency_p90", "latency_p99"].map {
            MetricPlan(name: $0, group: .latency, margin: .absolute(0.02))
        }
        + (1...8).map { MetricPlan(name: "mean_\($0)", kind: .mean, group: .resources, margin: .absolute(0.1)) }

    /// Prepares a fleet of so many devices.
    public init(devices: Int) {
        self.devices = devices
        isCommanded = [Bool](repeating: false, count: devices)
    }

    /// Measures one step of 5 %, or a ramp of 5, 25 and 50 % with all three judged at every tick.
    public static func measure(_ name: String, devices: Int, ticks: Int) -> CostFigure {
        var probe = CostProbe(devices: devices)
        for share in name == "ramp" ? [0.05, 0.25, 0.5] : [0.05] {
            probe.start(share: share)
        }
        let times = (0..<ticks).map { _ in probe.tick() }.sorted()
        return CostFigure(
            name: name, devices: devices, ticks: ticks, worstSeconds: times.last ?? 0,
            medianSeconds: times[times.count / 2], peakMebibytes: peakMebibytes())
    }

    private mutating func start(share: Double) {
        let list = (0..<devices).filter { !isCommanded[$0] }
        let size = Int(share * Double(devices)) - (devices - list.count)
        let draw = CohortDraw(
            candidates: list.map { Candidate(id: "\($0)") }, size: size, seed: 5, step: steps.count + 1)
        let requests = 28_800.0
        let experiment = StepExperiment(
            seed: 9, step: steps.count + 1, tickSeconds: 30,
            devices: list.indices.map { place in
                ExperimentDevice(
                    id: "\(list[place])", stratum: draw.strata[place], isCanary: draw.isDrawn[place], labels: [:],
                    history: Self.metrics.map { plan in
                        Tally(count: requests, total: requests * (plan.kind == .mean ? 5 : 0.01))
                    })
            }, metrics: Self.metrics,
            plan: TestPlan(
                share: 0.0045, updateShare: 0.0005, soakTicks: 20, deadlineTicks: 120, watchTicks: 3_000,
                excuseTicks: 20, mayAdvanceUnproven: false))
        for place in list.indices where draw.isDrawn[place] { isCommanded[list[place]] = true }
        lists.append(list)
        steps.append(StepJudge(experiment))
    }

    /// Judges one tick and returns how long the judges took, in seconds.
    private mutating func tick() -> Double {
        let tallies = (0..<devices).map { _ in
            Self.metrics.map { plan in
                let requests = 8 + Int(4 * chance.uniform())
                return Tally(
                    count: Double(requests),
                    total: plan.kind == .mean
                        ? Double(requests) * (4 + 2 * chance.uniform())
                        : Double(chance.binomial(requests, rate: 0.01)))
            }
        }
        var seconds = 0.0
        for step in steps.indices {
            let evidence = TickEvidence(
                observations: lists[step].indices.map { place in
                    var one = DeviceObservation(device: place)
                    let device = lists[step][place]
                    one.wasHeard = true
                    one.isCommanded = isCommanded[device]
                    one.isExposed = isCommanded[device]
                    if isCommanded[device] { one.new = tallies[device] } else { one.old = tallies[device] }
                    return one
                })
            let clock = ContinuousClock()
            let took = clock.measure { _ = steps[step].judge(evidence) }
            seconds += Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        }
        return seconds
    }

    /// The largest resident size of this process so far; 0 where the system does not say.
    private static func peakMebibytes() -> Double {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { return 0 }
        return kibibytes / 1_024
    }
}
