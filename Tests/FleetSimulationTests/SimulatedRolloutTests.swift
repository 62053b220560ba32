import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import Testing

@Suite struct SimulatedRolloutTests {
    static func policy() -> RecordedPolicy {
        var policy = RecordedPolicy()
        policy.deadlineSeconds = 3_600
        policy.metrics[0].relativeTolerance = 1.5
        return policy
    }

    @Test("a bad version is taken back, with the class that carries the harm")
    func bad() {
        var fleet = SimulatedFleet()
        fleet.devices = 500
        fleet.hardware = 5
        fleet.steps = [SimulatedStart(share: 0.1)]
        fleet.version.failureRatio = 10
        fleet.version.bearers = .firstHardware
        var rollout = SimulatedRollout(fleet, policy: Self.policy(), seed: 4)
        rollout.run(seconds: 1_800)
        #expect(rollout.outcome.rollback?.metric == "failures")
        #expect(rollout.outcome.rollback?.suspect == "hw=hw0")
    }

    @Test("steps that wait for proof start with it, each with a cohort of its own")
    func steps() throws {
        var fleet = SimulatedFleet()
        fleet.failureRate = 0.05
        fleet.devices = 400
        fleet.steps = [SimulatedStart(share: 0.1), SimulatedStart(share: 0.3, trigger: .proof)]
        var rollout = SimulatedRollout(fleet, policy: Self.policy(), seed: 4)
        rollout.run(seconds: 1_500)
        try #require(rollout.steps.map(\.cohort.count) == [40, 80])
        #expect(rollout.outcome.steps[0].provenAt == rollout.outcome.steps[1].startedAt)
        #expect(Set(rollout.steps[0].cohort).isDisjoint(with: rollout.steps[1].cohort))
        #expect(rollout.steps[1].list.count == 360)
    }

    @Test("a step by the clock starts when its time has come")
    func clock() {
        var fleet = SimulatedFleet()
        fleet.devices = 200
        fleet.steps = [SimulatedStart(share: 0.1), SimulatedStart(share: 0.5, trigger: .at(300))]
        var rollout = SimulatedRollout(fleet, policy: Self.policy(), seed: 4)
        rollout.run(seconds: 330)
        #expect(rollout.outcome.steps.map(\.startedAt) == [0, 300])
    }

    @Test(
        "whole sites are drawn where they are the units, and a recording of that comes to the same",
        arguments: [1.0, 5])
    func sites(ratio: Double) throws {
        var fleet = SimulatedFleet()
        fleet.devices = 300
        fleet.sites = 30
        fleet.unit = .site
        fleet.steps = [SimulatedStart(share: 0.2)]
        fleet.version.failureRatio = ratio
        let recording = SimulatedRecording(fleet, policy: Self.policy(), seed: 21, seconds: 900)
        let drawn = Dictionary(grouping: recording.fleet.devices, by: \.unit).mapValues { Set($0.map(\.arm)) }
        #expect(drawn.count == 30 && drawn.values.allSatisfy { $0.count == 1 })
        #expect(drawn.values.count { $0 == [.canary] } == 6)
        var judge = RecordingJudge(recording.fleet)
        for (index, rows) in recording.ticks.enumerated() {
            _ = judge.endTick(at: Double(index + 1) * 30, rows: rows)
        }
        #expect((judge.outcome.decision == .rollback) == (recording.outcome.rollback != nil))
        #expect((recording.outcome.rollback != nil) == (ratio > 1))
    }

    @Test("harm that begins in the watch is found by the comparison with the holdback, and without it is not")
    func watch() throws {
        var fleet = SimulatedFleet()
        fleet.devices = 200
        fleet.failureRate = 0.05
        fleet.steps = [SimulatedStart(share: 0.1), SimulatedStart(share: 1, trigger: .at(300))]
        fleet.end = SimulatedEnd(atSeconds: 600, holdbackShare: 0.04)
        fleet.version.failureRatio = 3
        fleet.version.beginsAtSeconds = 3_600
        var rollout = SimulatedRollout(fleet, policy: Self.policy(), seed: 4)
        rollout.run(seconds: 7_200)
        try #require(rollout.steps.count == 3)
        #expect(rollout.steps[2].list.count == 20 && rollout.steps[2].cohort.count == 12)
        #expect(
            rollout.steps[2].experiment.plan.isWatch && abs(rollout.steps[0].experiment.plan.share - 0.0045) < 1e-12)
        let rollback = try #require(rollout.outcome.rollback)
        #expect(rollback.at > 3_600 && rollback.step == 3)
        fleet.end?.holdbackShare = 0
        var alone = SimulatedRollout(fleet, policy: Self.policy(), seed: 4)
        alone.run(seconds: 600)
        #expect(alone.steps.count == 2)
    }

    @Test("a recording of it comes to the same when it is judged again", arguments: [1.0, 3.0])
    func recording(ratio: Double) {
        var fleet = SimulatedFleet()
        fleet.devices = 300
        fleet.weather = .rough
        fleet.connections.lost = 0.02
        fleet.steps = [SimulatedStart(share: 0.1)]
        fleet.version.failureRatio = ratio
        let recording = SimulatedRecording(fleet, policy: Self.policy(), seed: 21, seconds: 900)
        var judge = RecordingJudge(recording.fleet)
        for (index, rows) in recording.ticks.enumerated() {
            _ = judge.endTick(at: Double(index + 1) * 30, rows: rows)
        }
        #expect((judge.outcome.decision == .rollback) == (recording.outcome.rollback != nil))
        #expect((judge.outcome.decision == .promote) == (recording.outcome.steps[0].provenAt != nil))
        #expect(recording.outcome.rollback != nil || ratio == 1)
    }
}
