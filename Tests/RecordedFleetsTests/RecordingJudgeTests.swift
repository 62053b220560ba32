import RecordedFleets
import Testing

@Suite struct RecordingJudgeTests {
    @Test("nothing recorded is a hold")
    func nothing() {
        var judge = RecordingJudge(RecordedFleet(devices: [], policy: RecordedPolicy()))
        _ = judge.endTick(at: 30, rows: [])
        #expect(judge.outcome.decision == .hold)
    }
}
