import CanaryAnalysis
import Fleet
import Foundation
import Testing

@testable import Rollouts

private typealias Sample = SampleRollout

/// Rollouts of fleets that no test can serve: one device after another.
@Suite struct RolloutRulesTests {
    private let kept = Grounds(cause: .judge, reason: "rules_kept", sentence: "the rules were kept")

    /// A rollout to two devices whose first runs the new version.
    private func firstExposed() throws -> Rollout {
        var rollout = try Sample.pending { $0.smallFleetSoakSeconds = 100 }
        _ = rollout.started(at: Sample.at(0))
        _ = rollout.stepDrawn(1, cohort: [try Sample.device(1)], eligible: 2, method: .absolute, at: Sample.at(1))
        _ = rollout.deviceExposed(try Sample.device(1), at: Sample.at(2))
        return rollout
    }

    @Test("a rollout to two devices goes on one at a time and is promoted when both kept the rules")
    func ends() throws {
        var rollout = try firstExposed()
        #expect(rollout.isJudgedByRules && rollout.plannedSteps == 2)
        // The deadline counts from the end of the soak.
        #expect(rollout.currentStep?.deadlineAt == Sample.at(401))
        let next = rollout.tickJudged([.advance(proven: false, kept)], outage: nil, at: Sample.at(101))
        #expect(Sample.decisions(next) == [.advance] && next.last == .drawStep(2))
        #expect(rollout.steps[0].outcome == .rulesKept)
        _ = rollout.stepDrawn(2, cohort: [try Sample.device(2)], eligible: 1, method: .absolute, at: Sample.at(102))
        _ = rollout.deviceExposed(try Sample.device(2), at: Sample.at(103))
        #expect(rollout.plannedSteps == 2)
        let end = rollout.tickJudged(
            [.undecided(Sample.soaking), .advance(proven: false, kept)], outage: nil, at: Sample.at(203))
        #expect(Sample.decisions(end) == [.promote] && rollout.state == .watching)
        #expect(rollout.steps[1].outcome == .rulesKept)
    }

    @Test("more devices than the policy has steps are steps of their own")
    func manySteps() throws {
        var rollout = try Sample.pending()
        _ = rollout.started(at: Sample.at(0))
        for number in 1...5 {
            _ = rollout.stepDrawn(
                number, cohort: [try Sample.device(number)], eligible: 6 - number, method: .absolute, at: Sample.at(1))
            #expect(rollout.plannedSteps == 5)
            let findings = Array(repeating: StepFinding.undecided(Sample.soaking), count: number - 1)
            let actions = rollout.tickJudged(
                findings + [.advance(proven: false, kept)], outage: nil, at: Sample.at(10))
            #expect(Sample.decisions(actions) == (number < 5 ? [.advance] : [.promote]))
        }
    }

    @Test("a broken rule takes the version back from everybody")
    func broken() throws {
        var rollout = try firstExposed()
        var grounds = Grounds(cause: .judge, reason: "rule_broken", sentence: "it crashed")
        grounds.metric = "crashes"
        let actions = rollout.tickJudged([.rollback(grounds)], outage: nil, at: Sample.at(50))
        #expect(Sample.decisions(actions) == [.rollback] && rollout.state == .rollingBack)
    }

    @Test("it waits for a device that is away, and ends where the last one left the deployment")
    func lastOneLeaves() throws {
        var rollout = try firstExposed()
        _ = rollout.tickJudged([.advance(proven: false, kept)], outage: nil, at: Sample.at(101))
        #expect(rollout.stepFoundNobody(2, left: 1, at: Sample.at(102)).isEmpty)
        #expect(rollout.wait?.reason == "no_eligible_devices" && rollout.awaitsDraw)
        let end = rollout.stepFoundNobody(2, left: 0, at: Sample.at(103))
        #expect(Sample.decisions(end) == [.promote] && rollout.state == .watching)
    }

    @Test("a step that rules judge spends nothing of the error budget")
    func budget() throws {
        var rollout = try firstExposed()
        _ = rollout.tickJudged([.undecided(Sample.soaking)], outage: nil, at: Sample.at(50))
        #expect(rollout.currentStep?.ticks == 1 && rollout.spentBudget == 0)
    }

    @Test("the watch after the last device is no step of the plan")
    func watched() throws {
        var rollout = try firstExposed()
        let order = try rollout.commanded(.promote, by: "eve", reason: "enough", at: Sample.at(60))
        #expect(order.last == .drawWatch)
        let held = [try Sample.device(3)]
        _ = rollout.watchDrawn(cohort: [try Sample.device(2)], heldBack: held, at: Sample.at(61))
        #expect(rollout.plannedSteps == 2 && rollout.drawnSteps == 1 && rollout.isJudgedByRules)
        #expect(rollout.currentStep?.method == .draw)
    }

    @Test("a rollout that was stored before methods had names is read as drawn")
    func olderDocuments() throws {
        let rollout = try Sample.exposed()
        let text = try #require(String(bytes: try JSONEncoder().encode(rollout), encoding: .utf8))
        let older = text.replacing("\"method\":\"draw\",", with: "").replacing(",\"method\":\"draw\"", with: "")
        #expect(older != text)
        #expect(try JSONDecoder().decode(Rollout.self, from: Data(older.utf8)) == rollout)
    }
}
