import CanaryAnalysis
import Rollouts
import Testing

@Suite struct DecisionReplayTests {
    /// A rollout whose first step does harm, the decision to roll it back, and its replay.
    private struct Harmed: Sendable {
        let recorded: RecordedRollout
        let rollback: Decision
        let replay: DecisionReplay
    }

    /// Made once, because judging takes time.
    private static let made = Result { () throws -> Harmed in
        var recorded = try RecordedRollout { _, _ in 30 }
        recorded.run(ticks: 30)
        return Harmed(recorded: recorded, rollback: try recorded.decision(.rollback), replay: recorded.replay)
    }

    private func harmed() throws -> Harmed { try Self.made.get() }

    /// What replaying each decision gives.
    private func outcomes(_ recorded: RecordedRollout) -> [DecisionReplay.Outcome] {
        let replay = recorded.replay
        return recorded.decisions.map(replay.outcome)
    }

    @Test("a rollback is reproduced with its figures, from the rows as they are stored too")
    func reproduced() throws {
        let harmed = try harmed()
        let rollback = harmed.rollback
        #expect(rollback.reason == "harm_proven" && rollback.evidence != nil)
        #expect(harmed.replay.outcome(of: rollback) == .reproduced)
        let stored = try harmed.recorded.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment, rows: try step.rows.map { try TickEvidence(decoding: $0.encoded()) })
        }
        #expect(DecisionReplay(stored, policies: []).outcome(of: rollback) == .reproduced)
    }

    @Test("a figure that was tampered with is found, and by its name")
    func tamperedFigure() throws {
        let harmed = try harmed()
        let changes: [(String, (inout Decision) -> Void)] = [
            ("evidence", { $0.evidence = $0.evidence.map { $0 * (1 + 1e-6) } }), ("bound", { $0.bound = nil }),
            ("effect", { $0.effect = 1 }), ("metric", { $0.metric = "latency" }), ("test", { $0.test = nil }),
            ("reason", { $0.reason = "limit_breached" }),
        ]
        for (name, change) in changes {
            var tampered = harmed.rollback
            change(&tampered)
            guard case .differs(let what) = harmed.replay.outcome(of: tampered) else {
                Issue.record("\(name) was not found")
                continue
            }
            #expect(what.contains(name))
        }
    }

    @Test("a rounding in the last digits is no difference")
    func rounding() throws {
        let harmed = try harmed()
        var rounded = harmed.rollback
        rounded.evidence = rounded.evidence.map { $0 * (1 + 1e-12) }
        #expect(harmed.replay.outcome(of: rounded) == .reproduced)
    }

    @Test("a row that was tampered with is found, and so is one that is missing")
    func tamperedRow() throws {
        let harmed = try harmed()
        let rollback = harmed.rollback
        var changed = harmed.recorded.steps
        let canary = try #require(changed[0].experiment.devices.firstIndex { $0.isCanary })
        // The first row reaches back before the start and the second is warm-up, so they are not judged.
        changed[0].rows[2].observations[canary].new[0].total = 0
        #expect(isDifferent(DecisionReplay(changed, policies: []).outcome(of: rollback)))
        var cut = harmed.recorded.steps
        cut[0].rows.removeLast()
        #expect(isDifferent(DecisionReplay(cut, policies: []).outcome(of: rollback)))
        #expect(isDifferent(DecisionReplay([], policies: []).outcome(of: rollback)))
    }

    @Test("every decision of a rollout that advances and is rolled back by its first step is reproduced")
    func earlierStep() throws {
        var recorded = try RecordedRollout { step, tick in step == 1 && tick > 14 ? 60 : 1 }
        recorded.run(ticks: 14)
        try #require(recorded.steps.count == 2, "the first step is proven by now")
        try #require(recorded.rollout.state == .progressing, "the second step is not decided by now")
        recorded.run(ticks: 6)
        let rollback = try recorded.decision(.rollback)
        #expect(rollback.step == 2)
        #expect(recorded.steps[0].rows.count > recorded.steps[1].rows.count)
        let replay = recorded.replay
        #expect(recorded.decisions.map(replay.outcome).allSatisfy { $0 == .reproduced })

        let before = replay.judgements(before: rollback)
        #expect(before.map(\.tick) == recorded.steps.map(\.rows.count))
        guard case .rollback = before[0].recommendation else {
            Issue.record("the first step's evidence shows no harm")
            return
        }
    }

    @Test("rows that follow a decision do not change what it rested on")
    func laterRows() throws {
        var recorded = try RecordedRollout { _, _ in 1 }
        recorded.run(ticks: 14)
        let advance = try recorded.decision(.advance)
        #expect(recorded.steps[0].rows.count > (advance.tick ?? .max))
        let replay = recorded.replay
        #expect(replay.judgements(before: advance).map(\.tick) == [advance.tick])
        #expect(replay.outcome(of: advance) == .reproduced)
    }

    @Test("a hold by the evidence and its end are reproduced; a hold by an outage is not from evidence")
    func holds() throws {
        var recorded = try RecordedRollout { _, _ in 5 }
        recorded.run(ticks: 3, outage: SampleRollout.away)
        recorded.run(ticks: 3)
        #expect(recorded.decisions.map(\.kind) == [.hold, .resume])
        #expect(outcomes(recorded) == [.notFromEvidence, .reproduced])
    }

    @Test("a person's decision is not from evidence")
    func person() throws {
        var recorded = try RecordedRollout { _, _ in 5 }
        recorded.run(ticks: 3)
        try recorded.order(.promote)
        #expect(recorded.decisions.map(\.kind) == [.promote])
        #expect(outcomes(recorded) == [.notFromEvidence])
    }

    @Test("only the judge's decisions at a tick are from evidence", arguments: DecisionCause.allCases)
    func causes(cause: DecisionCause) {
        var decision = Decision(
            number: 1, kind: .halt, cause: cause, reason: "r", sentence: "s", step: 1, tick: 1, at: SampleRollout.at(0))
        #expect(decision.isFromEvidence == [.judge, .updateFailures].contains(cause))
        decision.tick = nil
        #expect(!decision.isFromEvidence)
    }

    @Test(
        "a decision that the evidence does not give is found",
        arguments: [DecisionKind.advance, .promote, .halt, .hold, .resume])
    func otherKind(kind: DecisionKind) throws {
        let harmed = try harmed()
        var decision = harmed.rollback
        decision.kind = kind
        #expect(isDifferent(harmed.replay.outcome(of: decision)))
    }

    private func isDifferent(_ outcome: DecisionReplay.Outcome) -> Bool {
        if case .differs = outcome { true } else { false }
    }
}
