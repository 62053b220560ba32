import Fleet
import Testing
import WireFormat

@testable import Orchestration

@Suite struct LiveDeviceTests {
    private func series(_ start: Int64) throws -> RuntimeSeries {
        let digest = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
        return RuntimeSeries(model: try ModelName("digits"), digest: digest, start: start)
    }

    private func heartbeat(_ sequence: UInt64, _ reports: [SeriesReport]) -> Heartbeat {
        Heartbeat(boot: 1, sequence: sequence, sentAt: 10, assignment: 1, series: reports)
    }

    @Test("a gap is counted once, however often and in whatever order its heartbeats come")
    func gaps() throws {
        var device = LiveDevice(try DeviceID("device-1"))
        let now = Timestamp(milliseconds: 1000)
        let (first, second) = (try series(5), try series(6))
        let counted = RuntimeTotals(requests: 3)
        let before = heartbeat(1, [SeriesReport(series: first, totals: counted)])
        let after = heartbeat(
            2, [SeriesReport(series: first, totals: counted, gaps: 1), SeriesReport(series: second, totals: counted)])
        let again = heartbeat(
            3,
            [
                SeriesReport(series: first, totals: counted, gaps: 1),
                SeriesReport(series: second, totals: counted, gaps: 1),
            ])
        for one in [before, after, before, again, after, again] { _ = device.take(one, at: now) }
        let news = device.drain(at: now)
        let drained = try #require(news)
        #expect(drained.news.gaps == 2)
        #expect(drained.telemetry.lifetime.map(\.gaps) == [2])
        #expect(drained.telemetry.lifetime.map(\.totals.requests) == [6])
    }
}
