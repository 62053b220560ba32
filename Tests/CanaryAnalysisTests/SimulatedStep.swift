@testable import CanaryAnalysis

/// A step of a rollout with devices whose failures are drawn from a seed: what tests feed to the judge.
struct SimulatedStep {
    var devices = 24
    var canaries = 8
    /// Requests of one device in one tick.
    var requests = 20
    /// The share of failures on the old version.
    var oldRate = 0.03
    /// The share of failures on the new version.
    var newRate = 0.03
    /// How far devices differ; each device's rates are multiplied by a factor within this of 1.
    var spread = 0.0
    /// Requests of history per device.
    var historyRequests = 2_000
    /// The tick from whose counts on canaries run the new version.
    var exposedFrom = 3
    var margin = Margin.relative(1.25)
    var mode = MetricPlan.Mode.guard
    var limit: Double?
    var plan = TestPlan.demonstration
    var labels: (Int) -> [String: String] = { _ in [:] }
    /// The key of the test and of everything drawn.
    var seed: UInt64 = 1

    /// Which devices are canaries: drawn from the seed.
    var isCanary: [Bool] {
        CohortDraw(
            candidates: (0..<devices).map { Candidate(id: "device-\($0)") }, size: canaries, seed: seed, step: 1
        ).isDrawn
    }

    /// What is frozen at the draw.
    var experiment: StepExperiment {
        let isCanary = isCanary
        let factors = factors
        var random = Chance(seed: seed, stream: 1)
        let list = (0..<devices).map { index in
            let failures = random.count(historyRequests, rate: oldRate * factors[index])
            return ExperimentDevice(
                id: "device-\(index)", stratum: 0, isCanary: isCanary[index], labels: labels(index),
                history: [.init(requests: Double(historyRequests), failures: Double(failures))])
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
    func evidence(ticks: Int) -> [TickEvidence] {
        let isCanary = isCanary
        let factors = factors
        var random = Chance(seed: seed, stream: 3)
        return (1...ticks).map { tick in
            TickEvidence(
                observations: (0..<devices).map { device in
                    let isExposed = isCanary[device] && tick >= exposedFrom
                    let rate = (isExposed ? newRate : oldRate) * factors[device]
                    let counts = Counts(
                        requests: UInt64(requests), failures: UInt64(random.count(requests, rate: min(1, rate))))
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
    func judgements(
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
    func ending(within ticks: Int) -> (tick: Int, recommendation: Recommendation)? {
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
    static let demonstration = TestPlan(
        share: 0.0045, updateShare: 0.0005, soakTicks: 10, deadlineTicks: 150, watchTicks: 43_200, excuseTicks: 300,
        mayAdvanceUnproven: false)
}

extension Recommendation {
    /// True for a rollback by any cause.
    var isRollback: Bool {
        if case .rollback = self { true } else { false }
    }

    /// True where the step may advance.
    var isAdvance: Bool {
        if case .advance = self { true } else { false }
    }

    /// The code of a reason to wait; nil for anything else.
    var waitCode: String? {
        switch self {
        case .hold(let reason), .undecided(let reason), .noData(let reason): reason.code
        case .rollback, .halt, .advance: nil
        }
    }
}

/// Chance for tests: quick and seeded (SplitMix64), apart from the generator under test.
struct Chance {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ stream &* 0x2545_F491_4F6C_DD1D
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// How many of `trials` happen.
    mutating func count(_ trials: Int, rate: Double) -> Int {
        var happened = 0
        for _ in 0..<trials where uniform() < rate { happened += 1 }
        return happened
    }
}
