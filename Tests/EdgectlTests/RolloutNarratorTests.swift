import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Terminal
import Testing
import WireFormat

@testable import edgectl

/// Rollouts for tests.
private enum Sample {
    static let now = Timestamp(milliseconds: 1_767_225_600_000)

    static func rollout() throws -> RolloutResource {
        func version(_ name: String, _ byte: UInt8) throws -> VersionReference {
            VersionReference(
                name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
        }
        var rollout = RolloutResource(
            id: try RolloutID("digits-2"), deployment: try DeploymentName("digits"), model: try ModelName("digits"),
            from: try version("v1", 1), to: try version("v2", 2), state: .progressing, step: 1, steps: 4,
            policy: Policy(name: try PolicyName("calm")), createdAt: now)
        rollout.progress = .init(drawn: 8, commanded: 8, exposed: 2)
        return rollout
    }

    static var rollback: Decision {
        var decision = Decision(
            number: 3, kind: .rollback, cause: .judge, reason: "harm_proven", sentence: "failures rose", step: 1,
            tick: 7,
            at: now)
        decision.metric = "failures"
        decision.test = "weighted since start"
        decision.evidence = 12
        decision.bound = 9.5
        decision.effect = 3
        return decision
    }
}

@Suite struct RolloutNarratorTests {
    /// The events between two states of a rollout, without their times.
    private func events(_ change: (inout RolloutResource) -> Void) throws -> [String] {
        var narrator = RolloutNarrator()
        var rollout = try Sample.rollout()
        _ = narrator.events(of: rollout, now: Sample.now)
        change(&rollout)
        return narrator.events(of: rollout, now: Sample.now).map { String($0.dropFirst("\(Sample.now)  ".count)) }
    }

    @Test("the first look tells how things stand")
    func opening() throws {
        var narrator = RolloutNarrator()
        let lines = narrator.events(of: try Sample.rollout(), now: Sample.now)
        #expect(
            lines == [
                "\(Sample.now)  rollout digits-2 of digits: v1 (010101010101) -> v2 (020202020202), progressing, "
                    + "step 1/4, 2 of 8 drawn devices exposed"
            ])
    }

    @Test("the first look at a rollout that has decisions tells the last one")
    func openingWithDecision() throws {
        var narrator = RolloutNarrator()
        var rollout = try Sample.rollout()
        rollout.decisions = [Sample.rollback]
        #expect(
            narrator.events(of: rollout, now: Sample.now).first?.contains("; last decision: decision 3: rollback")
                == true)
    }

    @Test("what does not change is no event, and evidence that merely grows is none")
    func silence() throws {
        #expect(try events { _ in } == [])
    }

    @Test("a step, devices, a wait, a decision and a state are an event each")
    func each() throws {
        #expect(try events { $0.step = 2 } == ["step 2/4 started: 8 devices drawn"])
        #expect(try events { $0.progress.exposed = 5 } == ["5 of 8 commanded devices run the new version"])
        #expect(try events { $0.progress.failed = 1 } == ["1 devices failed to update"])
        #expect(
            try events { rollout in
                rollout.progress.restored = 3
                rollout.progress.returning = 5
            } == ["3 devices are back, 5 still returning"])
        #expect(
            try events { rollout in
                rollout.waitReason = "soak"
                rollout.waitSentence = "the soak goes on"
            } == ["waits (soak): the soak goes on"])
        #expect(try events { $0.state = .halted } == ["state progressing -> halted"])
    }

    @Test("a decision is told with what it rests on, at its own time, before the state it leads to")
    func decision() throws {
        let told = try events { rollout in
            rollout.decisions.append(Sample.rollback)
            rollout.state = .rollingBack
        }
        #expect(
            told == [
                "decision 3: rollback by judge, failures (weighted since start), evidence 12.00 against 9.50, "
                    + "effect x3.00: failures rose",
                "state progressing -> rolling_back",
            ])
    }

    @Test("a person's decision is told with the person's name")
    func person() {
        var decision = Sample.rollback
        decision.actor = "ana"
        decision.metric = nil
        decision.test = nil
        decision.evidence = nil
        decision.effect = nil
        #expect(RolloutNarrator.decision(decision) == "decision 3: rollback by ana: failures rose")
    }
}

@Suite struct WorseBaselineTellingTests {
    /// A judgement by which the version that devices come from is the worse one, or not.
    private func judgement(isWorse: Bool) throws -> TickJudgement {
        let devices = (0..<4).map { place in
            ExperimentDevice(id: "d\(place)", stratum: 0, isCanary: place == 0, labels: [:], history: [Tally()])
        }
        var judge = StepJudge(
            StepExperiment(
                seed: 1, step: 1, tickSeconds: 2, devices: devices,
                metrics: [MetricPlan(name: "failures", margin: .relative(2))],
                plan: TestPlan(
                    share: 0.5, updateShare: 0.005, soakTicks: 3, deadlineTicks: 20, watchTicks: 100, excuseTicks: 10,
                    mayAdvanceUnproven: false)))
        var judgement = judge.judge(TickEvidence(observations: []))
        judgement.metrics[0].isBaselineWorse = isWorse
        return judgement
    }

    @Test("a baseline that turns out to be worse is an event, once")
    func event() throws {
        var narrator = RolloutNarrator()
        var rollout = try Sample.rollout()
        rollout.judgement = try judgement(isWorse: false)
        _ = narrator.events(of: rollout, now: Sample.now)
        rollout.judgement = try judgement(isWorse: true)
        let told = "the baseline is the worse one: v1 does worse than v2 in failures"
        #expect(narrator.events(of: rollout, now: Sample.now) == ["\(Sample.now)  \(told)"])
        #expect(narrator.events(of: rollout, now: Sample.now) == [])
    }

    @Test("a label is an event, and taking it back is another")
    func label() throws {
        var narrator = RolloutNarrator()
        var rollout = try Sample.rollout()
        rollout.decisions = [Sample.rollback]
        _ = narrator.events(of: rollout, now: Sample.now)
        rollout.decisions[0].label = DecisionLabel(.falsePositive, by: "ana", at: Sample.now)
        let told = "decision 3 is labelled: false positive, says ana"
        #expect(narrator.events(of: rollout, now: Sample.now) == ["\(Sample.now)  \(told)"])
        #expect(RolloutNarrator.decision(rollout.decisions[0]).hasSuffix("failures rose [false positive, says ana]"))
        rollout.decisions[0].label = nil
        #expect(narrator.events(of: rollout, now: Sample.now).first?.hasSuffix("no label any more") == true)
    }

    @Test("a view says it and offers promotion where a person decides", arguments: RolloutState.allCases)
    func view(state: RolloutState) throws {
        var rollout = try Sample.rollout()
        rollout.state = state
        rollout.judgement = try judgement(isWorse: true)
        let lines = RolloutView(rollout: rollout, now: Sample.now, palette: .plain).lines.map(\.text)
        #expect(lines.contains("  the baseline is the worse one: v1 does worse than v2 in failures"))
        let offer =
            "    a person may promote it: edgectl rollout promote digits-2 --reason \"the baseline is worse\""
        #expect(lines.contains(offer) == [.holding, .halted].contains(state))
    }
}

@Suite struct RolloutOutcomeTests {
    @Test("who waits for a rollout is told its end as an exit code", arguments: RolloutState.allCases)
    func outcome(state: RolloutState) {
        let expected: edgectl.ExitStatus? =
            switch state {
            case .watching, .completed: .success
            case .rolledBack: .rolledBack
            case .halted: .needsPerson
            case .superseded: .failure
            case .pending, .progressing, .holding, .rollingBack: nil
            }
        #expect(RolloutOutcome(state)?.status == expected)
    }
}

@Suite struct RolloutViewTests {
    private func text(_ change: (inout RolloutResource) -> Void = { _ in }) throws -> [String] {
        var rollout = try Sample.rollout()
        change(&rollout)
        let view = RolloutView(rollout: rollout, now: Sample.now.adding(seconds: 90), palette: .plain)
        return view.lines.map(\.text)
    }

    @Test("a rollout is shown by who it is, how far it is and what it waits for")
    func shown() throws {
        let lines = try text { rollout in
            rollout.stepStartedAt = Sample.now
            rollout.waitReason = "soak"
            rollout.waitSentence = "the soak goes on"
            rollout.waitSince = Sample.now
        }
        #expect(
            lines == [
                "digits-2  digits  v1 -> v2  progressing  started 1m30s ago", "  step 1/4 (5%), for 1m30s",
                "  exposed   ######..................  2 of 8 drawn, 8 commanded", "  no evidence yet",
                "  waits for 1m30s: the soak goes on (soak)",
            ])
    }

    /// A metric as the API shows it, changed.
    private func metric(
        _ name: String, _ kind: MetricPlan.Kind, _ change: (inout MetricJudgement) -> Void
    ) throws -> MetricJudgement {
        let text = """
            {"metric": "\(name)", "kind": "\(kind.rawValue)", "harm": "up", "mode": "guard",
             "margin": {"relative": {"_0": 1.25}}, "verdict": "undecided", "canaryRequests": 200,
             "baselineRequests": 400, "effect": 1, "evidence": 1, "strongestTest": "t", "safetyEvidence": 2,
             "isProven": false, "isBaselineWorse": false}
            """
        var metric = try JSONDecoder().decode(MetricJudgement.self, from: Data(text.utf8))
        change(&metric)
        return metric
    }

    @Test("shares are told in percent, means as numbers, and effects and tolerances in their unit")
    func units() throws {
        let failures = try metric("failures", .share) { one in
            (one.canaryValue, one.baselineValue) = (0.05, 0.04)
            (one.effect, one.effectLower) = (1.25, 0.9)
        }
        #expect(
            MetricText(metric: failures).line
                == "canary 5.00 % of 200, baseline 4.00 % of 400, effect x1.25 [x0.90, -], tolerated x1.25")
        let confidence = try metric("confidence", .mean) { one in
            (one.canaryValue, one.baselineValue, one.effect) = (0.7, 0.9, -0.2)
            (one.effectLower, one.effectUpper) = (-0.25, 0.01)
            (one.harm, one.margin) = (.down, .absolute(0.05))
        }
        #expect(
            MetricText(metric: confidence).line
                == "canary 0.7000 of 200, baseline 0.9000 of 400, effect -0.2000 [-0.2500, +0.0100], tolerated -0.0500")
        let tolerances: [(MetricPlan.Harm, Margin, MetricPlan.Kind, String)] = [
            (.either, .absolute(0.02), .share, "+-2.00 points"), (.down, .absolute(0.02), .share, "-2.00 points"),
            (.down, .relative(1.5), .share, "x1.50 of what is missing"), (.up, .absolute(5e7), .mean, "+50000000"),
        ]
        for (harm, margin, kind, text) in tolerances {
            let one = try metric("m", kind) { ($0.harm, $0.margin) = (harm, margin) }
            #expect(MetricText(metric: one).tolerance == text)
        }
    }

    @Test("a dry run says so, and its rollback is one that would have been")
    func dryRun() throws {
        let lines = try text { rollout in
            rollout.policy.dryRun = true
            var decision = Sample.rollback
            decision.dryRun = true
            decision.metricKind = .mean
            rollout.decisions = [decision]
        }
        #expect(lines.contains { $0.contains("dry run: judged") })
        #expect(
            lines.last?.contains("would roll back by judge") == true && lines.last?.contains("effect +3.00") == true)
    }

    @Test("the last five decisions are shown, the newest at the end")
    func decisions() throws {
        let lines = try text { rollout in
            rollout.decisions = (1...7).map { number in
                var decision = Sample.rollback
                decision.number = number
                return decision
            }
        }
        let told = lines.filter { $0.contains("ago  decision ") }
        #expect(told.count == 5)
        #expect(told.last?.contains("decision 7: rollback") == true)
    }

    @Test("a view never holds more than one line per line")
    func control() throws {
        let lines = try text { $0.waitReason = "a\nb" }
        #expect(lines.allSatisfy { !$0.contains("\n") })
    }
}
