import Fleet
import Testing
import WireFormat

@testable import DeviceAgent

@Suite struct HistoryRingTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)

    private func series(_ number: UInt8) throws -> RuntimeSeries {
        let digest = try #require(Digest(bytes: Array(repeating: number, count: 32)))
        return RuntimeSeries(model: try ModelName("digits"), digest: digest, start: Int64(number))
    }

    /// A ring that was offered a point every `seconds`, with one request more each time.
    private func ring(points: Int, every seconds: Double, of series: RuntimeSeries) -> HistoryRing {
        var ring = HistoryRing()
        for number in 0..<points {
            ring.note(
                [series: RuntimeTotals(requests: UInt64(number))], at: start.adding(seconds: Double(number) * seconds))
        }
        return ring
    }

    @Test("points are a minute apart, however often they are offered, and begin with the last one before the moment")
    func fine() throws {
        let one = try series(1)
        let ring = ring(points: 400, every: 2, of: one)
        let uploads = ring.uploads(since: start.adding(seconds: 250))
        let points = try #require(uploads.first).points
        #expect(uploads.count == 1 && points.count == 10)
        #expect(points.first?.at == start.adding(seconds: 240).milliseconds)
        #expect(zip(points, points.dropFirst()).allSatisfy { $1.at - $0.at == 60_000 })
        #expect(points.map(\.totals.requests) == (4...13).map { UInt64($0) * 30 })
    }

    @Test("a week is kept in quarters of an hour before the last two hours, sorted and at most 500 points at once")
    func coarse() throws {
        let one = try series(1)
        let ring = ring(points: 20_000, every: 60, of: one)
        let day = try #require(ring.uploads(since: start.adding(seconds: 19_999 * 60 - 86_400)).first).points
        #expect((205...220).contains(day.count))
        #expect(zip(day, day.dropFirst()).allSatisfy { $0.at < $1.at && $0.totals.requests < $1.totals.requests })
        let all = try #require(ring.uploads(since: start).first).points
        #expect(all.count == HistoryUpload.pointLimit)
        #expect(all.last == day.last)
    }

    @Test("a series that counted nothing since then has nothing to tell")
    func quiet() throws {
        let (busy, idle) = (try series(1), try series(2))
        var ring = HistoryRing()
        for minute in 0..<10 {
            let totals = [busy: RuntimeTotals(requests: UInt64(minute)), idle: RuntimeTotals(requests: 7)]
            ring.note(totals, at: start.adding(seconds: Double(minute) * 60))
        }
        #expect(ring.uploads(since: start).map(\.series) == [busy])
        #expect(HistoryRing().uploads(since: start).isEmpty)
    }

    @Test("a clock that went back begins the ring anew")
    func clockBack() throws {
        let one = try series(1)
        var ring = ring(points: 10, every: 60, of: one)
        ring.note([one: RuntimeTotals(requests: 20)], at: start.adding(seconds: 30))
        #expect(ring.uploads(since: start).isEmpty)
        ring.note([one: RuntimeTotals(requests: 21)], at: start.adding(seconds: 90))
        #expect(ring.uploads(since: start).first?.points.map(\.totals.requests) == [20, 21])
    }
}
