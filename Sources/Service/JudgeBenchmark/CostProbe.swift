import CanaryAnalysis
import FleetSimulation

/// Measures what a tick of the judge costs for a fleet of any size with twelve metrics.
public struct CostProbe {
    private let devices: Int
    private var steps: [StepJudge] = []
    private var lists: [[Int]] = []
    private var isCommanded: [Bool]
    private var chance = Chance(seed: 1, stream: 77)

    private static let stepPlan = TestPlan(
        share: 0.0045, updateShare: 0.0005, soakTicks: 20, deadlineTicks: 120, watchTicks: 3_000, excuseTicks: 20,
        mayAdvanceUnproven: false)
    private static let watchPlan = TestPlan.watch(
        share: 0.0011, updateShare: 0.0001, ticks: 2_880, excuseTicks: 20)

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

    /// Measures steps of these shares of the fleet, all of them judged at every tick; a watch over whom they leave
    /// but for 2 %, if wanted, as the last of them.
    public static func measure(
        _ subject: CostFigure.Subject, shares: [Double], hasWatch: Bool = false, devices: Int, ticks: Int
    ) -> CostFigure {
        var probe = CostProbe(devices: devices)
        for share in shares { probe.start(share: share, plan: stepPlan) }
        if hasWatch { probe.start(share: 0.98, plan: watchPlan) }
        return CostFigure(subject, devices: devices, seconds: (0..<ticks).map { _ in probe.tick() })
    }

    private mutating func start(share: Double, plan: TestPlan) {
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
            }, metrics: Self.metrics, plan: plan)
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
            seconds += CostFigure.seconds { _ = steps[step].judge(evidence) }
        }
        return seconds
    }
}
