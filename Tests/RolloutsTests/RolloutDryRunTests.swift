import Fleet
import Rollouts
import Testing

private typealias Sample = SampleRollout

@Suite struct RolloutDryRunTests {
    private let soaking = Grounds(cause: .judge, reason: "gate_soak", sentence: "the soak goes on")

    private var harm: Grounds {
        var grounds = Grounds(cause: .judge, reason: "harm_proven", sentence: "worse")
        grounds.metric = "confidence"
        return grounds
    }

    private func recorded(_ actions: [RolloutAction]) -> [Decision] {
        actions.compactMap { if case .record(let decision) = $0 { decision } else { nil } }
    }

    private func dry() throws -> Rollout { try Sample.exposed { $0.dryRun = true } }

    @Test("harm is said once and changes nothing; harm of another metric is said as well")
    func once() throws {
        var rollout = try dry()
        let first = rollout.tickJudged(
            [.rollback(harm)], outage: nil, readiness: .waiting(soaking), at: Sample.at(10))
        #expect(recorded(first).map(\.kind) == [.rollback] && recorded(first).allSatisfy(\.dryRun))
        #expect(first.count == 1 && rollout.state == .progressing && rollout.rolledBackAt == nil)
        #expect(rollout.wait?.reason == "gate_soak")
        #expect(rollout.tickJudged([.rollback(harm)], outage: nil, at: Sample.at(12)).isEmpty)
        var other = harm
        other.metric = "failures"
        let next = rollout.tickJudged([.halt(other)], outage: nil, at: Sample.at(14))
        #expect(recorded(next).map(\.kind) == [.halt] && rollout.state == .progressing)
    }

    @Test("soak and gates alone let a step advance, and the last one is promoted")
    func advances() throws {
        var rollout = try dry()
        let actions = rollout.tickJudged([.rollback(harm)], outage: nil, readiness: .ready, at: Sample.at(30))
        #expect(recorded(actions).map(\.kind) == [.rollback, .advance])
        #expect(recorded(actions).map(\.dryRun) == [true, false])
        #expect(actions.last == .drawStep(2) && rollout.steps[0].outcome == .dryRun)
        _ = rollout.stepDrawn(2, cohort: [try Sample.device(3)], eligible: 6, at: Sample.at(31))
        let promoted = rollout.tickJudged(
            [.rollback(harm), .undecided(soaking)], outage: nil, readiness: .ready, at: Sample.at(60))
        #expect(recorded(promoted).map(\.kind) == [.promote] && rollout.state == .watching)
        #expect(rollout.tickJudged([.rollback(harm), .rollback(harm)], outage: nil, at: Sample.at(62)).isEmpty)
    }

    @Test("a deadline passes, and an outage holds as ever")
    func deadlineAndOutage() throws {
        var rollout = try dry()
        let late = rollout.tickJudged(
            [.undecided(soaking)], outage: nil, readiness: .waiting(soaking), at: Sample.at(4000))
        #expect(late.isEmpty && rollout.state == .progressing)
        let outage = Grounds(cause: .outage, reason: "outage", sentence: "half of them are away")
        #expect(recorded(rollout.tickJudged([.undecided(soaking)], outage: outage, at: Sample.at(4002))).count == 1)
        #expect(rollout.state == .holding)
        let back = rollout.tickJudged([.undecided(soaking)], outage: nil, at: Sample.at(4004))
        #expect(recorded(back).map(\.kind) == [.resume])
    }

    @Test("a person's command is carried out in a dry run")
    func people() throws {
        var rollout = try dry()
        _ = try rollout.commanded(.rollback, by: "ana", reason: "enough", at: Sample.at(20))
        #expect(rollout.state == .rollingBack)
    }

    @Test("what a person has gone on after does not halt again, but other harm does, and the deadline asks again")
    func overruled() throws {
        var rollout = try Sample.exposed()
        #expect(recorded(rollout.tickJudged([.halt(harm)], outage: nil, at: Sample.at(10))).map(\.kind) == [.halt])
        _ = try rollout.commanded(.resume, by: "ana", reason: "known", at: Sample.at(12))
        #expect(rollout.tickJudged([.halt(harm)], outage: nil, at: Sample.at(14)).isEmpty)
        #expect(rollout.state == .progressing)
        var other = harm
        other.metric = "failures"
        var twice = rollout
        #expect(recorded(twice.tickJudged([.halt(other)], outage: nil, at: Sample.at(16))).count == 1)
        let late = rollout.tickJudged([.halt(harm)], outage: nil, at: Sample.at(302))
        #expect(recorded(late).first?.cause == .deadline)
    }

    @Test("harm that an earlier step has proven and whose metric holds, holds the later step as well")
    func heldByEarlierStep() throws {
        var rollout = try Sample.exposed()
        let proven = Grounds(cause: .judge, reason: "proven", sentence: "fine")
        _ = rollout.tickJudged([.advance(proven: true, proven)], outage: nil, at: Sample.at(30))
        _ = rollout.stepDrawn(2, cohort: [try Sample.device(3)], eligible: 6, at: Sample.at(31))
        _ = rollout.tickJudged([.hold(harm), .advance(proven: true, proven)], outage: nil, at: Sample.at(40))
        #expect(rollout.state == .holding && rollout.wait?.reason == "harm_proven")
    }
}
