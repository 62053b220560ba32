import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import RivalJudges

/// What one run of a case came to; times in minutes.
public struct BenchmarkRun: Codable, Hashable, Sendable {
    /// A tick is judged when the next has passed, so that late heartbeats count: every time is that much longer.
    public static let graceMinutes = 0.5

    /// When the version was taken back, from the start of the step that said so or from when harm began; nil for never.
    public var rolledBack: Double?
    /// Whether it was taken back before harm began.
    public var wasEarly = false
    /// The metric or event that decided.
    public var metric: String?
    /// The class that was named.
    public var suspect: String?
    /// For each step when it was proven, from its start; nil for never.
    ///
    /// Steps that were not drawn are missing.
    public var proven: [Double?] = []
    /// For each step whether its bounds could be reached at all.
    public var couldDecide: [Bool] = []
    /// Whether some step would have advanced without proof.
    public var advancedUnproven = false
    /// Whether failed updates would have halted it.
    public var wasHalted = false
    /// For each rival of the case when it took the version back, from the rollout's start or from when harm began.
    public var rivals: [Double?] = []
    /// Why it did not advance at the end.
    public var lastHold = ""

    /// A run that came to nothing.
    init() {}

    /// Runs a case once.
    public init(_ benchmarkCase: BenchmarkCase, seed: UInt64) {
        var rollout = SimulatedRollout(benchmarkCase.fleet, policy: benchmarkCase.policy, seed: seed)
        var judges = benchmarkCase.rivals.map {
            $0.judge(devices: benchmarkCase.fleet.devices, effect: benchmarkCase.knownEffect)
        }
        rivals = judges.map { _ in nil }
        let begin = benchmarkCase.harmBeginsAtMinutes
        while rollout.course.now < benchmarkCase.minutes * 60 {
            let isCanary = judges.isEmpty ? [] : rollout.course.commandedAt.map { $0 != nil }
            rollout.endTick()
            couldDecide = rollout.judgements.map(\.canDecide)
            if !judges.isEmpty {
                let tick = Self.tick(rollout, isCanary: isCanary)
                for index in judges.indices where rivals[index] == nil && judges[index].endTick(tick) {
                    rivals[index] = tick.seconds / 60 + Self.graceMinutes - begin
                }
            }
            let isDecided =
                rollout.outcome.rollback != nil
                || benchmarkCase.endsWithProof && rollout.outcome.steps.contains { $0.provenAt != nil }
            if isDecided, rivals.allSatisfy({ $0 != nil }) { break }
        }
        note(rollout.outcome, begin: begin)
    }

    private mutating func note(_ outcome: SimulatedOutcome, begin: Double) {
        if let rollback = outcome.rollback {
            let from = max(begin, rollback.stepStartedAt / 60)
            rolledBack = rollback.at / 60 + Self.graceMinutes - from
            wasEarly = rollback.at / 60 <= begin
            metric = rollback.metric
            suspect = rollback.suspect
        }
        proven = outcome.steps.map { step in
            step.provenAt.map { ($0 - step.startedAt) / 60 + Self.graceMinutes }
        }
        advancedUnproven = outcome.steps.contains { $0.advancedUnprovenAt != nil }
        wasHalted = outcome.haltedAt != nil
        lastHold = outcome.lastHold
    }

    private static func tick(_ rollout: SimulatedRollout, isCanary: [Bool]) -> RivalTick {
        let course = rollout.course
        var failures = 0.0
        var expected = 0.0
        for row in rollout.rows where course.isNew[row.device] {
            failures += row.measurements.failures
            expected += course.expectations[row.device]
        }
        return RivalTick(
            seconds: course.now, rows: rollout.rows, isCanary: isCanary, newFailures: failures, newExpected: expected)
    }
}
