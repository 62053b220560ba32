import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Testing

private typealias Sample = SampleRollout

@Suite struct RolloutWatchTests {
    /// A rollout that a person promoted at second 10: devices 1 and 2 were canaries.
    private static func promoted(change: (inout Policy) -> Void = { _ in }) throws -> (Rollout, [RolloutAction]) {
        var rollout = try Sample.exposed(change: change)
        let actions = try rollout.commanded(.promote, by: "ana", reason: "hotfix", at: Sample.at(10))
        return (rollout, actions)
    }

    /// The same with devices 3 to 6 told to follow and 7 and 8 held back.
    private static func watched() throws -> Rollout {
        var (rollout, _) = try promoted()
        _ = rollout.watchDrawn(
            cohort: try (3...6).map(Sample.device), heldBack: try (7...8).map(Sample.device), at: Sample.at(10))
        return rollout
    }

    @Test("at the promotion the rest is drawn afresh: the drawn follow, the others are held back and compared with")
    func drawn() throws {
        var (rollout, actions) = try Self.promoted()
        #expect(actions.last == .drawWatch)
        let cohort = try (3...6).map(Sample.device)
        let held = try (7...8).map(Sample.device)
        #expect(
            rollout.watchDrawn(cohort: cohort, heldBack: held, at: Sample.at(10)) == [.command(cohort), .commandRest])
        let watch = try #require(rollout.steps.last)
        #expect(watch.kind == .watch && watch.number == 2 && watch.drawn == 4 && watch.eligible == 6)
        #expect(watch.deadlineAt == Sample.at(10 + 86_400) && rollout.drawnSteps == 1)
        #expect(rollout.heldBack == Set(held) && rollout.guarantee?.isCompared == true)
        #expect(rollout.guarantee?.sentence.contains("2 of the last 6 devices") == true)
        #expect(cohort.allSatisfy { rollout.members[$0]?.step == 2 && rollout.members[$0]?.wasCommanded == true })
        #expect(rollout.watchDrawn(cohort: cohort, heldBack: held, at: Sample.at(11)).isEmpty, "once")
    }

    @Test("harm in the watch's own evidence, hours later, takes the version back from everybody who moved")
    func harm() throws {
        var rollout = try Self.watched()
        let quiet = [StepFinding.undecided(Sample.soaking), .undecided(Sample.soaking)]
        for hour in 1...8 {
            #expect(rollout.tickJudged(quiet, outage: nil, at: Sample.at(Double(hour) * 3600)).isEmpty)
        }
        let actions = rollout.tickJudged(
            [.undecided(Sample.soaking), .rollback(Sample.harm)], outage: nil, at: Sample.at(8.1 * 3600))
        #expect(Sample.decisions(actions) == [.rollback])
        #expect(actions.contains(.takeBack(try (1...6).map(Sample.device))))
        #expect(rollout.heldBack == nil && rollout.state == .rollingBack)
    }

    @Test("at the watch's end the devices that stayed behind are told before the fallback goes")
    func ends() throws {
        var rollout = try Self.watched()
        #expect(rollout.clockMoved(to: Sample.at(86_000), unreachable: []).isEmpty)
        #expect(rollout.clockMoved(to: Sample.at(90_000), unreachable: []) == [.commandRest, .makeFallback])
        #expect(rollout.heldBack == nil && rollout.state == .completed)
    }

    @Test("a newer version ends the watch, and whoever was held back stays where it is")
    func superseded() throws {
        var rollout = try Self.watched()
        #expect(rollout.superseded(by: try Sample.version("v3", 3), at: Sample.at(20)) == [.makeFallback])
    }

    @Test("where too few are left nobody is held back, and it is said that nothing new is compared")
    func tooFew() throws {
        for left in 0...1 {
            var (rollout, _) = try Self.promoted()
            #expect(rollout.watchNotDrawn(left: left, at: Sample.at(10)) == [.commandRest])
            #expect(rollout.steps.count == 1 && rollout.guarantee?.isCompared == false)
            #expect(rollout.guarantee?.sentence.contains("nothing new is compared") == true)
        }
    }

    @Test("a policy without a holdback or a watch draws none and shares its budget among its steps")
    func notPlanned() throws {
        for change in [{ (policy: inout Policy) in policy.holdbackShare = 0 }, { $0.watchSeconds = 0 }] {
            let (rollout, actions) = try Self.promoted(change: change)
            #expect(actions.last == .commandRest && rollout.guarantee == .notPlanned)
            #expect(rollout.policy.testPlan(step: 2, isAfterProof: true).share == 0.9 * 0.01 * 0.5)
        }
    }

    @Test("steps and watch together spend the error budget and no more", arguments: 1...5)
    func budget(steps: Int) throws {
        let policy = Policy(
            name: try PolicyName("p"), steps: (1...steps).map { StepSize.percent(100 * Double($0) / Double(steps)) })
        let plans = (1...steps).map { policy.testPlan(step: $0, isAfterProof: false) } + [policy.watchPlan()]
        #expect(abs(plans.reduce(0) { $0 + $1.share + $1.updateShare } - policy.errorBudget) < 1e-12)
        #expect(plans.last?.isWatch == true && plans.dropLast().allSatisfy { !$0.isWatch })
        #expect(abs(plans.reduce(0) { $0 + $1.spent(by: 1_000_000) } - policy.errorBudget) < 1e-12)
    }

    @Test("a rollout whose steps have drawn everybody is promoted instead of waiting for devices")
    func everyoneDrawn() throws {
        var rollout = try Sample.exposed { $0.steps = [.devices(2), .devices(4), .percent(100)] }
        _ = rollout.tickJudged([.advance(proven: true, Sample.proof)], outage: nil, at: Sample.at(30))
        var waiting = rollout
        #expect(waiting.stepFoundNobody(2, left: 1, at: Sample.at(31)).isEmpty, "somebody is away")
        #expect(waiting.wait?.reason == "no_eligible_devices")
        let actions = rollout.stepFoundNobody(2, left: 0, at: Sample.at(31))
        #expect(Sample.decisions(actions) == [.promote] && actions.last == .drawWatch)
        guard case .record(let decision) = actions.first else { return }
        #expect(decision.reason == "everyone_drawn" && !decision.isFromEvidence)
        #expect(rollout.state == .watching && rollout.steps.last?.outcome == .proven)
    }

    @Test("a halted watch is not promoted or drawn a second time")
    func once() throws {
        var rollout = try Self.watched()
        _ = rollout.tickJudged([.undecided(Sample.soaking), .halt(Sample.harm)], outage: nil, at: Sample.at(20))
        #expect(rollout.wait?.sentence.contains("resume, or rollback") == true)
        let actions = try rollout.commanded(.promote, by: "ana", reason: "go on", at: Sample.at(30))
        #expect(!actions.contains(.drawWatch))
        #expect(rollout.promotedAt == Sample.at(10) && rollout.steps.count == 2)
    }

    @Test("rollouts that were stored before watches were drawn are still read")
    func old() throws {
        let bytes = try JSONEncoder().encode(try Self.watched())
        let object = try JSONSerialization.jsonObject(with: bytes)
        var stored = try #require(object as? [String: Any])
        var steps = try #require(stored["steps"] as? [[String: Any]])
        for index in steps.indices { steps[index]["kind"] = nil }
        stored["steps"] = steps
        for field in ["guarantee", "heldBack", "budget"] { stored[field] = nil }
        let read = try JSONDecoder().decode(Rollout.self, from: JSONSerialization.data(withJSONObject: stored))
        #expect(read.steps.allSatisfy { $0.kind == .step } && read.heldBack == nil && read.guarantee == nil)
        #expect(read.state == .watching)
    }
}
