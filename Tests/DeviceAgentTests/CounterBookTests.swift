import Fleet
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// The device's half of counting once; the whole way is in the controller's tests.
@Suite struct CounterBookTests {
    private let model: ModelName
    private let digest: Digest
    private let start = Timestamp(milliseconds: 1_000)

    init() throws {
        model = try ModelName("digits")
        digest = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
    }

    private func series(_ start: Int64) -> RuntimeSeries { RuntimeSeries(model: model, digest: digest, start: start) }

    private func requests(_ count: UInt64) -> RuntimeTotals { RuntimeTotals(requests: count) }

    @Test("totals never fall, whatever a scrape says")
    func monotone() {
        var book = CounterBook()
        book.observe(series(1), requests(10))
        book.observe(series(1), requests(7))
        #expect(book.report(sequence: 1).map(\.totals.requests) == [10])
    }

    @Test("only what a committed heartbeat carried is acknowledged")
    func acknowledged() {
        var book = CounterBook()
        book.observe(series(1), requests(10))
        _ = book.report(sequence: 1)
        book.observe(series(1), requests(15))
        _ = book.report(sequence: 2)
        book.acknowledged(through: 1, wantsBase: true)
        #expect(book.report(sequence: 3).map(\.base?.requests) == [10])
        book.acknowledged(through: 2, wantsBase: true)
        #expect(book.report(sequence: 4).map(\.base?.requests) == [15])
    }

    @Test("a series is named in every heartbeat until it has ended, is acknowledged and a book without it is stored")
    func leaves() {
        var book = CounterBook()
        book.observe(series(1), requests(10))
        _ = book.report(sequence: 1)
        book.acknowledged(through: 1, wantsBase: false)
        #expect(book.report(sequence: 2).count == 1, "it is acknowledged, but it may still count")
        book.ended(start: 1, isCounted: true)
        #expect(book.hasSettled)
        #expect(book.report(sequence: 3).count == 1, "a power cut could bring it back")
        let stored = book.nextStored()
        book.wasStored(stored)
        #expect(book.report(sequence: 4).isEmpty)
    }

    @Test("an end that nobody scraped is a gap, and the gap is acknowledged like a count")
    func gaps() {
        var book = CounterBook()
        book.observe(series(1), requests(10))
        _ = book.report(sequence: 1)
        book.acknowledged(through: 1, wantsBase: false)
        book.ended(start: 1, isCounted: false)
        #expect(!book.hasSettled)
        #expect(book.report(sequence: 2).map(\.gaps) == [1])
        book.acknowledged(through: 2, wantsBase: false)
        #expect(book.hasSettled)
    }

    @Test("a heartbeat names the oldest series, and one that was named stays named")
    func limit() {
        var book = CounterBook()
        for start in 1...12 as ClosedRange<Int64> {
            book.observe(series(start), requests(1))
            book.ended(start: start, isCounted: true)
        }
        #expect(book.report(sequence: 1).map(\.start) == Array(1...8))
        book.acknowledged(through: 1, wantsBase: false)
        #expect(book.report(sequence: 2).map(\.start) == Array(1...8))
        let stored = book.nextStored()
        book.wasStored(stored)
        #expect(book.report(sequence: 3).map(\.start) == Array(9...12))
    }

    @Test("starts grow even where the clock goes back")
    func starts() {
        var book = CounterBook()
        let first = book.nextStart(now: Timestamp(milliseconds: 5_000))
        let second = book.nextStart(now: Timestamp(milliseconds: 1))
        #expect(first == 5_000 && second == 5_001)
    }

    @Test("a stored book is the same book, in the same order")
    func stored() throws {
        var book = CounterBook()
        for start in [5, 3, 9] as [Int64] { book.observe(series(start), requests(UInt64(start))) }
        book.crashes = 2
        let read = try JSONCoding.decode(CounterBook.self, from: JSONCoding.encode(book))
        #expect(read.entries == book.entries && read.crashes == 2)
        var (again, before) = (read, book)
        #expect(again.report(sequence: 1).map(\.start) == before.report(sequence: 1).map(\.start))
    }

    @Test("a torn recent file costs no more than what the durable one lacks", arguments: 0...40)
    func torn(kept: Int) throws {
        let disk = MemoryDisk()
        let store = try CounterStore(files: disk, log: TestLog(), now: start)
        store.change { $0.observe(series(2_000), requests(10)) }
        store.save(isDurable: true)
        store.change { $0.observe(series(2_000), requests(20)) }
        store.save(isDurable: false)
        let left = disk.afterPowerCut { min(kept * 20, $0) }
        let reopened = try CounterStore(files: left, log: TestLog(), now: start)
        let found = reopened.snapshot.entries[series(2_000)]?.totals.requests
        #expect(found == 10 || found == 20)
        #expect(reopened.boot > store.boot, "and the next start is a later one")
    }
}
