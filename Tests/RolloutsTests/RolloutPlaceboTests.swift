import Fleet
import Foundation
import Rollouts
import Testing

private typealias Sample = SampleRollout

@Suite struct RolloutPlaceboTests {
    private func pending() throws -> Rollout {
        let policy = Policy(
            name: try PolicyName("p"), steps: [.devices(2), .percent(100)], soakSeconds: 20, deadlineSeconds: 300)
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: .everything, model: try ModelName("digits"),
            version: try VersionName("v1"))
        return Rollout(
            placebo: try RolloutID("digits-3"), of: try Sample.version("v1", 1), deployment: deployment,
            policy: policy, salt: 7, at: Sample.at(0))
    }

    /// Devices 1 and 2 were drawn; both have installed their version once more.
    private func exposed() throws -> Rollout {
        var rollout = try pending()
        _ = rollout.started(at: Sample.at(0))
        _ = rollout.stepDrawn(
            1, cohort: [try Sample.device(1), try Sample.device(2)], eligible: 8, at: Sample.at(1))
        _ = rollout.deviceExposed(try Sample.device(1), at: Sample.at(2))
        _ = rollout.deviceExposed(try Sample.device(2), at: Sample.at(3))
        return rollout
    }

    private func recorded(_ actions: [RolloutAction]) -> [Decision] {
        actions.compactMap { if case .record(let decision) = $0 { decision } else { nil } }
    }

    @Test(
        "what the evidence shows first ends it, is recorded as in a dry run and moves no device",
        arguments: [
            (StepFinding.rollback(SampleRollout.harm), Placebo.Outcome.falseRollback, DecisionKind.rollback),
            (.halt(SampleRollout.harm), .falseHalt, .halt),
            (.advance(proven: true, SampleRollout.proof), .passed, .advance),
        ])
    func ends(finding: StepFinding, outcome: Placebo.Outcome, kind: DecisionKind) throws {
        var rollout = try exposed()
        #expect(rollout.tickJudged([.undecided(Sample.soaking)], outage: nil, at: Sample.at(10)).isEmpty)
        let actions = rollout.tickJudged([finding], outage: nil, at: Sample.at(12))
        #expect(recorded(actions).map(\.kind) == [kind])
        #expect(recorded(actions).allSatisfy { $0.dryRun && $0.tick == 2 && $0.sentence.hasPrefix("placebo") })
        #expect(actions.last == .takeBack([try Sample.device(1), try Sample.device(2)]), "they leave the rollout")
        #expect(rollout.placebo?.outcome == outcome && rollout.state == .completed)
        #expect(rollout.promotedAt == nil && rollout.rolledBackAt == nil && rollout.endedAt == Sample.at(12))
        #expect(rollout.tickJudged([finding], outage: nil, at: Sample.at(14)).isEmpty)
        #expect(rollout.clockMoved(to: Sample.at(999_999), unreachable: []).isEmpty)
    }

    @Test("an outage keeps it from passing, and harm is found all the same")
    func outage() throws {
        var rollout = try exposed()
        let proven = StepFinding.advance(proven: true, Sample.proof)
        #expect(rollout.tickJudged([proven], outage: Sample.away, at: Sample.at(10)).isEmpty)
        #expect(rollout.state == .progressing && rollout.wait?.reason == "mass_silence")
        _ = rollout.tickJudged([.rollback(Sample.harm)], outage: Sample.away, at: Sample.at(12))
        #expect(rollout.placebo?.outcome == .falseRollback)
    }

    @Test("the deadline of its step ends it undecided, whether anybody was drawn or not")
    func deadline() throws {
        var rollout = try exposed()
        #expect(rollout.clockMoved(to: Sample.at(300), unreachable: []).isEmpty)
        let actions = rollout.clockMoved(to: Sample.at(301), unreachable: [])
        #expect(recorded(actions).isEmpty)
        #expect(rollout.placebo?.outcome == .undecided && rollout.state == .completed)
        var empty = try pending()
        #expect(empty.started(at: Sample.at(0)) == [.drawStep(1)])
        _ = empty.stepFoundNobody(1, left: 0, at: Sample.at(0))
        #expect(empty.clockMoved(to: Sample.at(10), unreachable: []) == [.drawStep(1)])
        #expect(empty.clockMoved(to: Sample.at(300), unreachable: []).isEmpty)
        #expect(empty.placebo?.outcome == .undecided)
    }

    @Test("another version ends it, in every state")
    func superseded() throws {
        for var rollout in [try pending(), try exposed()] {
            _ = rollout.superseded(by: try Sample.version("v2", 2), at: Sample.at(10))
            #expect(rollout.placebo?.outcome == .superseded && rollout.state == .superseded)
            #expect(rollout.placeboWithdrawn(at: Sample.at(11)).isEmpty)
        }
    }

    @Test("nobody can command it", arguments: RolloutCommand.allCases)
    func commands(command: RolloutCommand) throws {
        var rollout = try exposed()
        #expect(throws: CommandRefusal.placebo(command)) {
            try rollout.commanded(command, by: "ana", reason: "look", at: Sample.at(10))
        }
    }

    @Test("a device that cannot install once more has failed and stays where it is")
    func failure() throws {
        var rollout = try exposed()
        let actions = rollout.deviceFailed(try Sample.device(1), reason: "runtime_unhealthy", at: Sample.at(5))
        #expect(actions == [.takeBack([try Sample.device(1)])])
        #expect(rollout.members[try Sample.device(1)]?.progress == .failed(reason: "runtime_unhealthy"))
    }

    @Test("it is stored and read; what was stored before is no placebo")
    func stored() throws {
        let rollout = try exposed()
        #expect(try JSONDecoder().decode(Rollout.self, from: JSONEncoder().encode(rollout)) == rollout)
        let ordinary = try JSONEncoder().encode(try Sample.exposed())
        #expect(!String(decoding: ordinary, as: UTF8.self).contains("placebo"))
        #expect(try !JSONDecoder().decode(Rollout.self, from: ordinary).isPlacebo)
    }
}
