import Fleet
import Testing
import WireFormat

@testable import EdgeOrchestrator

@Suite struct SeriesBookTests {
    private let first: RuntimeSeries
    private let second: RuntimeSeries

    init() throws {
        let model = try ModelName("digits")
        func digest(_ digits: String) throws -> Digest {
            try #require(Digest(hex: String(repeating: digits, count: 32)))
        }
        first = RuntimeSeries(model: model, digest: try digest("ab"), start: 1)
        second = RuntimeSeries(model: model, digest: try digest("cd"), start: 2)
    }

    private func totals(_ requests: UInt64) -> RuntimeTotals { RuntimeTotals(requests: requests) }

    @Test("the first heartbeat tells the base, and so does every one until the controller knows it")
    func base() {
        var book = SeriesBook()
        book.began(first)
        book.counted(totals(5), of: first)
        #expect(book.report(sequence: 1).map(\.base) == [totals(0)])
        book.acknowledged(through: 0, wantsBase: true)
        #expect(book.report(sequence: 2).map(\.base) == [totals(0)])
        book.acknowledged(through: 2, wantsBase: false)
        book.counted(totals(9), of: first)
        #expect(book.report(sequence: 3).map(\.base) == [nil])
        #expect(!book.isSettled)
        book.acknowledged(through: 2, wantsBase: true)
        #expect(book.report(sequence: 4).map(\.base) == [totals(5)])
    }

    @Test("an ended series is told until all of it is acknowledged, then leaves")
    func leaves() {
        var book = SeriesBook()
        book.began(first)
        book.counted(totals(5), of: first)
        book.began(second)
        #expect(book.report(sequence: 1).map(\.series) == [first, second])
        book.acknowledged(through: 0, wantsBase: false)
        #expect(book.report(sequence: 2).count == 2)
        book.acknowledged(through: 1, wantsBase: false)
        #expect(book.report(sequence: 3).map(\.series) == [second])
        #expect(book.isSettled)
    }
}

@Suite struct InferenceCountsTests {
    @Test("each inference lands in its bucket, its failure under its kind, its confidence in the sum")
    func counts() {
        var counts = InferenceCounts()
        counts.count(microseconds: 1000, failure: nil, confidence: 0.75)
        counts.count(microseconds: 1001, failure: .timeout, confidence: nil)
        counts.count(microseconds: 9_000_000, failure: .timeout, confidence: .nan)
        let totals = counts.totals
        #expect(totals.requests == 3 && totals.latencySumMicroseconds == 9_002_001)
        #expect(totals.latencyBuckets.count == 12)
        #expect(totals.latencyBuckets[0] == 1 && totals.latencyBuckets[1] == 1 && totals.latencyBuckets[11] == 1)
        #expect(totals.failures == ["timeout": 2])
        #expect(totals.means["confidence"] == MeanTotals(count: 1, above: 0.75))
    }
}
