import CanaryAnalysis
import Fleet
import Testing

@testable import Rollouts

@Suite struct RolloutReportTests {
    private static let harmed = Result { try RecordedStep.harmed().report() }
    private static let proven = Result { try RecordedStep.proven().report() }

    private func decision(_ number: Int, _ kind: DecisionKind) -> Decision {
        Decision(
            number: number, kind: kind, cause: .judge, reason: "r", sentence: "s", step: 1, tick: 1,
            at: SampleRollout.at(Double(number)))
    }

    @Test("a report's figures are those of the decision, and its series end there")
    func figures() throws {
        let report = try Self.harmed.get()
        let step = try #require(report.deciding)
        #expect(report.recomputed == RolloutReport.Recomputed(.reproduced))
        #expect(report.decidingStep == 1 && step.seed == 4_242 && step.canaries == 4 && step.others == 8)
        #expect(step.points.map(\.tick) == Array(1...(report.decision.tick ?? 0)))
        #expect(step.judgement?.finding?.evidence == report.decision.evidence)
        #expect(step.points.last?.evidence == step.judgement?.evidence)
        #expect(step.points.last?.metrics[0].effect == report.decision.effect)
        #expect(step.judgement?.contributions.first?.device == "d0")
    }

    @Test("without its evidence a decision is told from its own record, and that the evidence was removed")
    func removedEvidence() throws {
        let whole = try Self.harmed.get()
        var subject = whole.subject
        subject.evidenceRemovedAt = SampleRollout.at(0)
        let report = RolloutReport(
            whole.decision, of: subject, decisions: whole.decisions, steps: [],
            replay: DecisionReplay([], policies: subject.policy.metrics))
        #expect(report.recomputed.outcome == "evidence_removed")
        #expect(report.deciding == nil && report.alternatives.isEmpty)
        #expect(report.headline == whole.headline)
        let words = "the evidence was removed at 1970-01-01T00:00:00.000Z, because it is kept no longer"
        #expect(report.withoutEvidence == words)
        #expect(report.replayed == "no more: \(words)")
        var person = whole.decision
        person.cause = .person
        person.actor = "ada"
        let byPerson = RolloutReport(
            person, of: subject, decisions: [person], steps: [],
            replay: DecisionReplay([], policies: subject.policy.metrics))
        #expect(byPerson.recomputed.outcome == "not_from_evidence")
    }

    @Test("the last decision that moved or stopped the version is the one to explain, or the last at all")
    func mattering() {
        let kinds: [DecisionKind] = [.hold, .halt, .resume, .hold]
        let decisions = kinds.enumerated().map { decision($0 + 1, $1) }
        #expect(RolloutReport.mattering(among: decisions)?.number == 2)
        #expect(RolloutReport.mattering(among: [decision(1, .hold), decision(2, .resume)])?.number == 2)
        #expect(RolloutReport.mattering(among: []) == nil)
    }

    @Test("every small change is tried once, and said in words")
    func alternatives() throws {
        let report = try Self.harmed.get()
        #expect(
            report.alternatives.map(\.change) == [
                "without_device", "half_budget", "double_budget", "wider_margin", "narrower_margin", "fewer_failures",
            ])
        #expect(report.alternatives[0].what == "without device d0")
        #expect(report.alternatives[3].what == "a tolerance one step wider (x3.00 instead of x2.00)")
        #expect(report.alternatives[4].what == "a tolerance one step narrower (x1.50 instead of x2.00)")
        #expect(report.alternatives.allSatisfy { !$0.result.isEmpty && $0.sentence.contains(": ") })
    }

    @Test("more budget never decides later, and less never sooner")
    func budget() throws {
        let found = try Self.harmed.get().alternatives
        let twice = try #require(found.first { $0.change == "double_budget" })
        let half = try #require(found.first { $0.change == "half_budget" })
        #expect([.same, .sooner].contains(twice.outcome))
        #expect([.same, .later, .undecided].contains(half.outcome))
    }

    @Test("the number of failures that would have changed a rollback is one that changes it, and one fewer does not")
    func fewerFailures() throws {
        let recorded = try RecordedStep.harmed()
        let tick = try #require(recorded.decisions[0].tick)
        let found = try #require(try Self.harmed.get().alternatives.last)
        #expect(found.change == "fewer_failures" && found.outcome == .undecided)
        let count = try #require(found.what.split(separator: " ").compactMap { Int($0) }.first)
        #expect(
            found.what == "\(found.what.hasPrefix("about") ? "about " : "")\(count) fewer failures on the canaries "
                + "(they had \(recorded.step.canaryRoom(of: 0, until: tick).bad))")
        func isRolledBack(_ fewer: Int) -> Bool {
            DecisionReplay([recorded.step.changing(0, by: -fewer, until: tick)], policies: []).judgements[0].contains {
                if case .rollback = $0.recommendation { true } else { false }
            }
        }
        #expect(!isRolledBack(count))
        if !found.what.hasPrefix("about") { #expect(isRolledBack(count - 1)) }
    }

    @Test("a step that advanced is told how many more failures would have kept it")
    func moreFailures() throws {
        let report = try Self.proven.get()
        #expect(report.decision.kind == .advance && report.recomputed.outcome == "reproduced")
        let found = try #require(report.alternatives.last)
        #expect(found.change == "more_failures" && found.outcome != .same)
        #expect(found.what.contains(" more failures on the canaries (they had "))
        let narrower = try #require(report.alternatives.first { $0.change == "narrower_margin" })
        #expect([.same, .later, .undecided].contains(narrower.outcome))
    }

    @Test("a class that carries the harm is named, and without it the version stays")
    func suspectClass() throws {
        var recorded = RecordedStep(ticks: 5, canaries: 7, devices: 16) {
            $0 < 5 ? 40 : 4
        } labels: {
            ["hw": $0 < 5 || $0 > 12 ? "orin" : "nano"]
        }
        let judgement = try #require(recorded.replay.judgements[0].first { $0.finding != nil })
        #expect(judgement.finding?.suspect == "hw=orin")
        recorded.decisions = [decision(1, .rollback)]
        recorded.decisions[0].tick = judgement.tick
        let report = try recorded.report()
        #expect(report.suspect == "hw=orin")
        let without = try #require(report.alternatives.first { $0.change == "without_class" })
        #expect(without.what == "without all devices of hw=orin")
        #expect(without.outcome == .undecided && without.result.hasPrefix("no rollback by then ("))
    }

    @Test("harm that an earlier step shows is explained by that step")
    func earlierStep() throws {
        var recorded = try RecordedRollout { step, tick in step == 1 && tick > 14 ? 60 : 1 }
        recorded.run(ticks: 20)
        let rollback = try recorded.decision(.rollback)
        let subject = try RecordedStep.harmed().report(asksWhatIf: false).subject
        let report = RolloutReport(
            rollback, of: subject, decisions: recorded.decisions, steps: recorded.steps, replay: recorded.replay,
            asksWhatIf: false)
        #expect(report.decision.step == 2 && report.decidingStep == 1)
        #expect(report.steps.map(\.step) == [1, 2])
        #expect(report.steps[0].points.count > report.steps[1].points.count)
        #expect(report.alternatives.isEmpty)
    }

    @Test("a person's decision shows the evidence of its moment, and what that alone would have decided")
    func person() throws {
        var recorded = try RecordedStep.harmed()
        var rollback = recorded.decisions[0]
        rollback.number = 2
        let tick = try #require(rollback.tick)
        var halt = decision(1, .halt)
        halt.cause = .person
        halt.actor = "ana"
        halt.tick = nil
        // Two ticks of two seconds before the rollback.
        halt.at = rollback.at.adding(seconds: -3.5)
        recorded.decisions = [halt, rollback]
        let report = try recorded.report(on: halt)
        #expect(report.recomputed.outcome == "not_from_evidence" && report.replayed == "not from evidence (ana)")
        #expect(report.deciding?.points.count == tick - 2)
        let twice = try #require(report.alternatives.first { $0.change == "wider_margin" })
        #expect(twice.outcome == .other && twice.kind == .rollback)
        #expect(twice.result.hasPrefix("rolled back instead, "))
    }

    @Test("a decision before any evidence has none to show")
    func nothing() throws {
        var recorded = try RecordedStep.harmed()
        var halt = decision(1, .halt)
        halt.step = 0
        recorded.decisions = [halt]
        let report = try recorded.report()
        #expect(report.steps.isEmpty && report.deciding == nil && report.alternatives.isEmpty)
    }

    @Test("a headline says what became of the version, and how long it took", arguments: DecisionKind.allCases)
    func headline(kind: DecisionKind) throws {
        var recorded = try RecordedStep.harmed()
        recorded.decisions = [decision(1, kind)]
        recorded.decisions[0].at = SampleRollout.at(76)
        recorded.decisions[0].sentence = "the reason"
        let headline = try recorded.report(asksWhatIf: false).headline
        #expect(headline.contains("v2 of digits") && headline.hasSuffix(": the reason."))
        let isTimed = ![.resume, .retry].contains(kind)
        #expect(headline.contains("1 min 12 s after the first device ran it") == isTimed)
    }

    @Test("a baseline that is proven to be worse is named; too few devices prove nothing")
    func worseBaseline() throws {
        let report = try RecordedStep.proven().report(asksWhatIf: false)
        var judgement = try #require(report.deciding?.judgement)
        judgement.metrics[0].isBaselineWorse = true
        let versions = (try SampleRollout.version("v1", 1), try SampleRollout.version("v2", 2))
        #expect(
            WorseBaseline(judgement, from: versions.0, to: versions.1)?.sentence
                == "the baseline is the worse one: v1 does worse than v2 in failures")
        #expect(WorseBaseline(judgement, from: nil, to: versions.1) == nil)
        judgement.canDecide = false
        #expect(WorseBaseline(judgement, from: versions.0, to: versions.1) == nil)
        judgement.canDecide = true
        judgement.metrics[0].isBaselineWorse = false
        #expect(WorseBaseline(judgement, from: versions.0, to: versions.1) == nil)
        let worse = RecordedStep(ticks: 8) { _ in 0 }
        #expect(worse.replay.judgements[0].contains { $0.metrics[0].isBaselineWorse }, "the judge sees it")
    }
}
