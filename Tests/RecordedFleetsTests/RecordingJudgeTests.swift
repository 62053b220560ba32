import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import Testing

@Suite struct RecordingJudgeTests {
    /// 200 devices of which every tenth is commanded at 0 and exposed at 20 s; the next twenty at 1,500 s.
    private struct Fleet {
        var devices: [RecordedDevice]
        var policy = RecordedPolicy()
        var newRate = 0.02

        init(secondStep: Bool = false) {
            devices = (0..<200).map { index in
                var device = RecordedDevice(
                    id: "d\(index)", arm: index % 10 == 0 ? .canary : .baseline, step: index % 10 == 0 ? 1 : nil,
                    commandedAt: index % 10 == 0 ? 0 : nil, exposedAt: index % 10 == 0 ? 20 : nil,
                    history: Measurements(requests: 10_000, failures: 200))
                if secondStep, index % 10 == 1 {
                    (device.arm, device.step, device.commandedAt, device.exposedAt) = (.canary, 2, 1_500, 1_520)
                }
                return device
            }
            policy.deadlineSeconds = 3_600
        }

        func outcome(
            minutes: Int, change: (Double, inout [RecordedRow]) -> Void = { _, _ in }
        ) -> (RecordingOutcome, ticks: [RecordingJudge.StepTick]) {
            var judge = RecordingJudge(RecordedFleet(devices: devices, policy: policy))
            var chance = Chance(seed: 5, stream: 1)
            var ticks: [RecordingJudge.StepTick] = []
            for tick in 1...(minutes * 2) {
                let time = Double(tick) * 30
                var rows = devices.indices.map { index -> RecordedRow in
                    let isNew = (devices[index].exposedAt ?? .infinity) <= time - 30
                    let failures = chance.count(40, rate: isNew ? newRate : 0.02)
                    return RecordedRow(
                        device: index, measurements: Measurements(requests: 40, failures: Double(failures)))
                }
                change(time, &rows)
                ticks += judge.endTick(at: time, rows: rows)
            }
            return (judge.outcome, ticks)
        }
    }

    @Test("nothing recorded is a hold")
    func nothing() {
        var judge = RecordingJudge(RecordedFleet(devices: [], policy: RecordedPolicy()))
        #expect(judge.endTick(at: 30, rows: []).isEmpty)
        #expect(judge.outcome.decision == .hold && judge.outcome.reason == "no_step")
    }

    @Test("a harmful version is taken back, and the time, the step, the metric and the row are named")
    func rollback() {
        var fleet = Fleet()
        fleet.newRate = 0.06
        let outcome = fleet.outcome(minutes: 20).0
        #expect(outcome.decision == .rollback && outcome.step == 1 && outcome.metric == "failures")
        #expect(outcome.timeSeconds < 600 && outcome.reason == "harm_proven" && outcome.test != nil)
        #expect(outcome.steps.map(\.provenAt) == [nil])
    }

    @Test("a good version is proven when the soak is over, and a later step on its own list from its own start")
    func promote() throws {
        var fleet = Fleet(secondStep: true)
        fleet.newRate = 0.01
        let (outcome, ticks) = fleet.outcome(minutes: 55)
        #expect(outcome.decision == .promote && outcome.step == 1)
        #expect(outcome.steps.map(\.startedAt) == [0, 1_500])
        #expect(try #require(outcome.steps[0].provenAt) >= 600)
        #expect(try #require(outcome.steps[1].provenAt) >= 2_100)
        #expect(ticks.filter { $0.step == 1 }.count == 110 && ticks.filter { $0.step == 2 }.count == 60)
        #expect(ticks.last { $0.step == 2 }?.judgement.others == 160)
        // The second step's canaries are compared with in the first step's test still.
        #expect(ticks.last { $0.step == 1 }?.judgement.others == 180)
    }

    @Test("harm after a proof makes the recording a rollback, and the proof stays told")
    func lateHarm() {
        var fleet = Fleet()
        fleet.newRate = 0.01
        let outcome = fleet.outcome(minutes: 50) { time, rows in
            guard time > 1_200 else { return }
            for index in rows.indices where rows[index].device % 10 == 0 { rows[index].measurements.failures = 6 }
        }.0
        #expect(outcome.decision == .rollback && outcome.timeSeconds > 1_200)
        #expect(outcome.steps[0].provenAt != nil)
    }

    @Test("missing rows are missing heartbeats; devices outside are never judged")
    func missing() {
        var fleet = Fleet()
        for index in 0..<200 where index % 10 == 3 { fleet.devices[index].arm = .outside }
        let (_, ticks) = fleet.outcome(minutes: 10) { time, rows in
            if time > 120 { rows.removeAll { $0.device % 20 == 0 } }
        }
        let last = ticks.last?.judgement
        #expect(last?.canaries == 20 && last?.others == 160)
        #expect(last?.events.first { $0.name == "silence" }?.canaries == 10)
    }

    @Test("a row that begins before the exposure was measured on the old version")
    func split() {
        var fleet = Fleet()
        for index in 0..<200 where index % 10 == 0 { fleet.devices[index].exposedAt = 70 }
        // Rows end at 30, 60, 90 ...: the one that ends at 90 began before 70, the one at 120 is the first on the new
        // version, and the window begins after the warm-up.
        let (_, ticks) = fleet.outcome(minutes: 3)
        let requests = ticks.map { $0.judgement.metrics[0].canaryRequests }
        #expect(requests == [0, 0, 0, 800, 1_600, 2_400])
    }

    @Test("the same recording gives the same figures")
    func deterministic() {
        let one = Fleet().outcome(minutes: 15).ticks.map(\.judgement)
        #expect(one == Fleet().outcome(minutes: 15).ticks.map(\.judgement))
    }
}
