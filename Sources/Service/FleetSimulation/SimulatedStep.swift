public import CanaryAnalysis

/// A step of a rollout with devices whose failures are drawn from a seed.
///
/// The judge sees what it would see of a real fleet: counts per device and tick. Tests and forecasts feed on it.
public struct SimulatedStep: Sendable {
    /// How many devices are on the list.
    public var devices: Int
    /// How many of them are drawn.
    public var canaries: Int
    /// Requests of one device in one tick.
    public var requests: Int
    /// The share of failures on the old version.
    public var oldRate: Double
    /// The share of failures on the new version.
    public var newRate: Double
    /// How far devices differ; each device's rates are multiplied by a factor within this of 1.
    public var spread: Double
    /// Requests of history per device.
    public var historyRequests: Int
    /// The tick from whose counts on canaries run the new version.
    public var exposedFrom: Int
    /// What is tolerated.
    public var margin: Margin
    /// Whether the metric decides.
    public var mode: MetricPlan.Mode
    /// The share that is too many by itself; nil for none.
    public var limit: Double?
    /// What is spent when.
    public var plan = TestPlan.demonstration
    /// The labels of a device by its place.
    public var labels: @Sendable (Int) -> [String: String]
    /// The key of the test and of everything drawn.
    public var seed: UInt64

    /// Makes a step; what is not given is that of the demonstration, for a version that changes nothing.
    public init(
        devices: Int = 24, canaries: Int = 8, requests: Int = 20, oldRate: Double = 0.03, newRate: Double = 0.03,
        spread: Double = 0, historyRequests: Int = 2_000, exposedFrom: Int = 3, margin: Margin = .relative(1.25),
        mode: MetricPlan.Mode = .guard, limit: Double? = nil,
        labels: @escaping @Sendable (Int) -> [String: String] = { _ in [:] }, seed: UInt64 = 1
    ) {
        self.devices = devices
        self.canaries = canaries
        self.requests = requests
        self.oldRate = oldRate
        self.newRate = newRate
        self.spread = spread
        self.historyRequests = historyRequests
        self.exposedFrom = exposedFrom
        self.margin = margin
        self.mode = mode
        self.limit = limit
        self.labels = labels
        self.seed = seed
    }

    /// Which devices are canaries: drawn from the seed.
    public var isCanary: [Bool] {
        CohortDraw(
            candidates: (0..<devices).map { Candidate(id: "device-\($0)") }, size: canaries, seed: seed, step: 1
        ).isDrawn
    }

    /// What is frozen at the draw.
    public var experiment: StepExperiment {
        let isCanary = isCanary
        let factors = factors
        var random = Chance(seed: seed, stream: 1)
        let list = (0..<devices).map { index in
            let failures = random.count(historyRequests, rate: oldRate * factors[index])
            return ExperimentDevice(
                id: "device-\(index)", stratum: 0, isCanary: isCanary[index], labels: labels(index),
                history: [Tally(count: Double(historyRequests), total: Double(failures))])
        }
        return StepExperiment(
            seed: seed &* 0x9E37_79B9_7F4A_7C15, step: 1, tickSeconds: 2, devices: list,
            metrics: [MetricPlan(name: "failures", mode: mode, margin: margin, limit: limit)], plan: plan)
    }

    private var factors: [Double] {
        var random = Chance(seed: seed, stream: 2)
        return (0..<devices).map { _ in 1 + spread * (2 * random.uniform() - 1) }
    }

    /// The evidence of the first ticks.
    public func evidence(ticks: Int) -> [TickEvidence] {
        let isCanary = isCanary
        let factors = factors
        var random = Chance(seed: seed, stream: 3)
        return (1...ticks).map { tick in
            TickEvidence(
                observations: (0..<devices).map { device in
                    let isExposed = isCanary[device] && tick >= exposedFrom
                    let rate = (isExposed ? newRate : oldRate) * factors[device]
                    let counts = Tally(
                        count: Double(requests), total: Double(random.count(requests, rate: min(1, rate))))
                    var one = DeviceObservation(device: device)
                    one.wasHeard = true
                    one.isCommanded = isCanary[device]
                    one.isExposed = isExposed
                    if isExposed { one.new = [counts] } else { one.old = [counts] }
                    return one
                })
        }
    }

    /// The judgements of the first ticks, each tick's evidence changed before it is judged.
    public func judgements(
        ticks: Int, changing change: (Int, inout TickEvidence) -> Void = { _, _ in }
    ) -> [TickJudgement] {
        var judge = StepJudge(experiment)
        return evidence(ticks: ticks).enumerated().map { index, evidence in
            var evidence = evidence
            change(index + 1, &evidence)
            return judge.judge(evidence)
        }
    }

    /// The first recommendation that ends a step, and its tick.
    public func ending(within ticks: Int) -> (tick: Int, recommendation: Recommendation)? {
        var judge = StepJudge(experiment)
        for evidence in evidence(ticks: ticks) {
            let judgement = judge.judge(evidence)
            switch judgement.recommendation {
            case .rollback, .advance, .halt: return (judgement.tick, judgement.recommendation)
            case .hold, .undecided, .noData: continue
            }
        }
        return nil
    }
}

extension TestPlan {
    /// The demonstration's plan: a soak of 10 ticks, a deadline of 150, half of 0.9 of 1 % for the first step.
    public static let demonstration = TestPlan(
        share: 0.0045, updateShare: 0.0005, soakTicks: 10, deadlineTicks: 150, watchTicks: 43_200, excuseTicks: 300,
        mayAdvanceUnproven: false)
}
