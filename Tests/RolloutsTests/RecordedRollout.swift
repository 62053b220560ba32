import CanaryAnalysis
import Fleet
import Rollouts
import Testing

/// A rollout of 24 devices that is judged tick by tick, and everything that is stored of it.
struct RecordedRollout: Sendable {
    /// Failures per 100 requests of a step's canaries at a tick of the rollout; the others fail 5 times.
    private let failing: @Sendable (_ step: Int, _ tick: Int) -> Int

    private(set) var rollout: Rollout
    private(set) var decisions: [Decision] = []
    private(set) var steps: [DecisionReplay.Step] = []
    private var judges: [StepJudge] = []
    private var cohorts: [[Int]] = []
    private var tick = 0

    private static let requests = 100

    init(failing: @escaping @Sendable (_ step: Int, _ tick: Int) -> Int) throws {
        self.failing = failing
        rollout = try SampleRollout.pending { policy in
            policy.steps = [.devices(8), .percent(100)]
            policy.deadlineSeconds = 100_000
        }
        take(rollout.started(at: SampleRollout.at(0)))
    }

    /// Lets so many ticks of two seconds be judged, or fewer where the rollout ends.
    mutating func run(ticks: Int, outage: Grounds? = nil) {
        for _ in 0..<ticks where rollout.isJudged {
            tick += 1
            var findings: [StepFinding] = []
            for index in steps.indices {
                let evidence = evidence(ofStep: index)
                steps[index].rows.append(evidence)
                findings.append(StepFinding(judges[index].judge(evidence), policies: rollout.policy.metrics))
            }
            take(rollout.tickJudged(findings, outage: outage, at: now))
        }
    }

    /// A person's command.
    mutating func order(_ command: RolloutCommand) throws {
        take(try rollout.commanded(command, by: "ana", reason: "ordered", at: now))
    }

    /// The decisions judged again from what is stored.
    var replay: DecisionReplay { DecisionReplay(steps, policies: rollout.policy.metrics) }

    /// The first decision of a kind.
    func decision(_ kind: DecisionKind) throws -> Decision { try #require(decisions.first { $0.kind == kind }) }

    private var now: Timestamp { SampleRollout.at(Double(tick) * 2) }

    private mutating func take(_ actions: [RolloutAction]) {
        for action in actions {
            switch action {
            case .record(let decision): decisions.append(decision)
            case .drawStep(let number): draw(number)
            case .command(let devices): for device in devices { _ = rollout.deviceExposed(device, at: now) }
            case .takeBack, .drawWatch, .commandRest, .makeFallback, .repeatOrders, .withdrawOrders: break
            }
        }
    }

    /// Every third device of those not drawn yet is a canary of the first step, all but four of the rest of the second.
    private mutating func draw(_ number: Int) {
        let left = (0..<24).filter { device in !cohorts.contains { $0.contains(device) } }
        let cohort = number == 1 ? left.filter { $0 % 3 == 0 } : Array(left.dropLast(6))
        let listed = left.map { device in
            ExperimentDevice(
                id: "d\(device)", stratum: 0, isCanary: cohort.contains(device), labels: [:],
                history: [Tally(count: 5_000, total: 250)])
        }
        let experiment = StepExperiment(
            seed: 11 &* UInt64(number), step: number, tickSeconds: 2, devices: listed,
            metrics: [MetricPlan(name: "failures", margin: .relative(1.25))],
            plan: TestPlan(
                share: 0.0045, updateShare: 0.0005, soakTicks: 10, deadlineTicks: 1_000, watchTicks: 43_200,
                excuseTicks: 300, mayAdvanceUnproven: false))
        steps.append(DecisionReplay.Step(experiment: experiment, rows: []))
        judges.append(StepJudge(experiment))
        cohorts.append(cohort)
        let ids = cohort.compactMap { DeviceID(rawValue: "d\($0)") }
        take(rollout.stepDrawn(number, cohort: ids, eligible: left.count, at: now))
    }

    /// 0, 1 or 2 failures more or fewer than others, differently at each tick.
    private func noise(_ place: Int) -> Int {
        var mixed = UInt64(place * 1_000 + tick) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return Int((mixed >> 33) % 3)
    }

    private func evidence(ofStep index: Int) -> TickEvidence {
        let listed = steps[index].experiment.devices
        return TickEvidence(
            observations: listed.indices.map { place in
                let isCanary = listed[place].isCanary
                let failures = (isCanary ? failing(index + 1, tick) : 5) + noise(place)
                let counts = Tally(count: Double(Self.requests), total: Double(failures))
                var one = DeviceObservation(device: place)
                one.wasHeard = true
                one.isCommanded = isCanary
                one.isExposed = isCanary
                if isCanary { one.new = [counts] } else { one.old = [counts] }
                return one
            })
    }
}
