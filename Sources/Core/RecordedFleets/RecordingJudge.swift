public import CanaryAnalysis

/// Judges a recorded fleet tick by tick, as the controller would have: each step on its own list, from its own start.
///
/// A recording does not change its course: after a decision the later ticks are judged all the same.
public struct RecordingJudge: Sendable {
    /// The judgement of one step at one tick.
    public struct StepTick: Sendable {
        /// The step, counted from 1.
        public let step: Int
        /// The judgement.
        public let judgement: TickJudgement
    }

    /// What the recording came to so far.
    public private(set) var outcome = RecordingOutcome()

    private let fleet: RecordedFleet
    private var pending: [RecordedStep]
    private var running: [RunningStep] = []
    /// The end of the tick in which each device was last heard; its row begins there.
    private var lastHeard: [Double]

    /// Prepares to judge a fleet.
    public init(_ fleet: RecordedFleet) {
        self.fleet = fleet
        pending = RecordedStep.all(of: fleet)
        lastHeard = fleet.devices.map { _ in -.infinity }
        outcome.reason = "no_step"
        outcome.steps = pending.map { RecordingOutcome.Step(number: $0.number, startedAt: $0.startedAt) }
    }

    /// Ends the tick at `time` (seconds since the rollout's start): `rows` were received in it.
    ///
    /// Ticks must be ended in their order, every one of them, also those without rows.
    public mutating func endTick(at time: Double, rows: [RecordedRow]) -> [StepTick] {
        while let next = pending.first, next.startedAt < time {
            pending.removeFirst()
            let isAfterProof = outcome.steps.contains { $0.provenAt != nil }
            running.append(RunningStep(next, of: fleet, mayAdvanceUnproven: isAfterProof))
        }
        let heard = HeardRows(rows, lastHeard: lastHeard, devices: fleet.devices)
        for row in rows { lastHeard[row.device] = time }
        var ticks: [StepTick] = []
        for index in running.indices {
            let judgement = running[index].judge(heard, of: fleet, at: time)
            note(judgement, step: running[index].step.number, at: time)
            ticks.append(StepTick(step: running[index].step.number, judgement: judgement))
        }
        if outcome.decision == .hold { outcome.timeSeconds = time }
        return ticks
    }

    private mutating func note(_ judgement: TickJudgement, step: Int, at time: Double) {
        switch judgement.recommendation {
        case .rollback(let finding):
            guard outcome.decision != .rollback else { return }
            outcome.decision = .rollback
            outcome.timeSeconds = time
            outcome.step = step
            outcome.metric = finding.metric
            outcome.test = finding.test
            outcome.reason = finding.reason
            outcome.suspect = finding.suspect
        case .advance(isProven: true):
            for index in outcome.steps.indices
            where outcome.steps[index].number == step && outcome.steps[index].provenAt == nil {
                outcome.steps[index].provenAt = time
            }
            guard outcome.decision == .hold else { return }
            outcome.decision = .promote
            outcome.timeSeconds = time
            outcome.step = step
            outcome.reason = "proven"
            let weakest = judgement.metrics.filter { $0.mode == .guard }
                .min { $0.safetyEvidence < $1.safetyEvidence }
            outcome.metric = weakest?.metric
            outcome.test = "safety since start"
        case .advance, .halt, .hold, .undecided, .noData:
            guard outcome.decision == .hold else { return }
            outcome.step = step
            outcome.reason = judgement.recommendation.code
        }
    }
}

extension Recommendation {
    /// The stable code of what is waited for.
    fileprivate var code: String {
        switch self {
        case .rollback(let finding), .halt(let finding): finding.reason
        case .hold(let reason), .undecided(let reason), .noData(let reason): reason.code
        case .advance(let isProven): isProven ? "proven" : "not_proven_here"
        }
    }
}
