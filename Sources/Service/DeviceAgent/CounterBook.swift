import Fleet
import WireFormat

/// The device's side of exactly-once counting: running totals per series, and what the controller has of them.
///
/// A pure value. Totals never fall. Every heartbeat names every series of the book, because the controller forgets a
/// series that a heartbeat leaves out; so a series leaves only when it has ended, all of it is acknowledged, and a book
/// without it is stored: nothing can bring it back then.
struct CounterBook: Codable, Sendable {
    /// One series' state.
    struct Entry: Codable, Hashable, Sendable {
        var totals = RuntimeTotals()
        var acknowledged = RuntimeTotals()
        /// Ends of the runtime between two scrapes.
        var gaps: UInt64 = 0
        var acknowledgedGaps: UInt64 = 0
        /// Whether its runtime still counts.
        var isOpen = true

        var isAcknowledged: Bool { totals == acknowledged && gaps == acknowledgedGaps }
        var isSettled: Bool { !isOpen && isAcknowledged }
    }

    /// What a heartbeat carried of one series.
    private struct Sent: Hashable, Sendable {
        var totals: RuntimeTotals
        var gaps: UInt64
    }

    /// A series and its state, as stored.
    private struct Row: Codable {
        var series: RuntimeSeries
        var entry: Entry
    }

    /// Heartbeats that may wait for their acknowledgement; beyond it the oldest is forgotten, which costs nothing but a
    /// repetition.
    static let ringLimit = 512
    /// Series in one heartbeat; those that were observed first, so that one that was named is named until it leaves.
    static let reportLimit = 8

    private(set) var entries: [RuntimeSeries: Entry] = [:]
    /// The series in the order in which they were first observed.
    private var order: [RuntimeSeries] = []
    /// Unwanted ends of the runtime since the agent's first start.
    var crashes: UInt64 = 0
    /// Starts that did not become healthy since the agent's first start.
    var failedStarts: UInt64 = 0
    /// The newest start given out; see ``nextStart(now:)``.
    private var lastStart: Int64 = 0
    /// Counts the times the book was stored: of two stored books the one with the larger number holds.
    private(set) var generation: UInt64 = 0
    private var ring: [(sequence: UInt64, sent: [RuntimeSeries: Sent])] = []
    private var sendsBase = true

    init() {}

    /// A start time larger than any before, whatever the clock says, milliseconds since 1970: of a series or of the
    /// agent.
    mutating func nextStart(now: Timestamp) -> Int64 {
        lastStart = max(lastStart + 1, now.milliseconds)
        return lastStart
    }

    /// Takes in what a scrape found.
    mutating func observe(_ series: RuntimeSeries, _ totals: RuntimeTotals) {
        if entries[series] == nil { order.append(series) }
        var entry = entries[series] ?? Entry()
        entry.totals = entry.totals.maximum(totals)
        entries[series] = entry
    }

    /// The runtime's process is gone; `isCounted` says that it was scraped after its last request.
    mutating func ended(start: Int64, isCounted: Bool) {
        for (series, var entry) in entries where series.start == start && entry.isOpen {
            entry.isOpen = false
            if !isCounted { entry.gaps += 1 }
            entries[series] = entry
        }
    }

    /// The agent has just started: every runtime it knew is gone, and nobody saw its last requests.
    mutating func agentStarted() {
        for (series, var entry) in entries where entry.isOpen {
            entry.isOpen = false
            entry.gaps += 1
            entries[series] = entry
        }
        sendsBase = true
    }

    /// What heartbeat `sequence` carries; it is remembered until acknowledged.
    mutating func report(sequence: UInt64) -> [SeriesReport] {
        let chosen = rows.prefix(Self.reportLimit).map { ($0.series, $0.entry) }
        let sent = chosen.map { ($0.0, Sent(totals: $0.1.totals, gaps: $0.1.gaps)) }
        ring.append((sequence, Dictionary(uniqueKeysWithValues: sent)))
        if ring.count > Self.ringLimit { ring.removeFirst() }
        return chosen.map { series, entry in
            SeriesReport(
                series: series, totals: entry.totals, base: sendsBase ? entry.acknowledged : nil,
                gaps: entry.gaps)
        }
    }

    /// Takes in a reply: every heartbeat up to `committedThrough` is counted for good.
    mutating func acknowledged(through committedThrough: UInt64, wantsBase: Bool) {
        sendsBase = wantsBase
        for (sequence, sent) in ring where sequence <= committedThrough {
            for (series, part) in sent {
                guard var entry = entries[series] else { continue }
                entry.acknowledged = entry.acknowledged.maximum(part.totals)
                entry.acknowledgedGaps = max(entry.acknowledgedGaps, part.gaps)
                entries[series] = entry
            }
        }
        ring.removeAll { $0.sequence <= committedThrough }
    }

    // MARK: Leaving

    /// Whether a series may leave as soon as a book without it is stored.
    var hasSettled: Bool { entries.values.contains { $0.isSettled } }

    /// The book that is to be stored next: without what is settled.
    mutating func nextStored() -> CounterBook {
        generation += 1
        var stored = self
        stored.drop { _ in true }
        return stored
    }

    /// A book was stored durably: what it was stored without leaves.
    mutating func wasStored(_ stored: CounterBook) {
        drop { stored.entries[$0] == nil }
    }

    private mutating func drop(where holds: (RuntimeSeries) -> Bool) {
        for (series, entry) in entries where entry.isSettled && holds(series) { entries[series] = nil }
        order.removeAll { entries[$0] == nil }
    }

    private var rows: [Row] {
        order.compactMap { series in entries[series].map { Row(series: series, entry: $0) } }
    }

    // MARK: Stored form

    private enum CodingKeys: String, CodingKey {
        case rows, crashes, failedStarts, lastStart, generation
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        crashes = try fields.decode(UInt64.self, forKey: .crashes)
        failedStarts = try fields.decode(UInt64.self, forKey: .failedStarts)
        lastStart = try fields.decode(Int64.self, forKey: .lastStart)
        generation = try fields.decodeIfPresent(UInt64.self, forKey: .generation) ?? 0
        for row in try fields.decode([Row].self, forKey: .rows) where entries[row.series] == nil {
            entries[row.series] = row.entry
            order.append(row.series)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(rows, forKey: .rows)
        try fields.encode(crashes, forKey: .crashes)
        try fields.encode(failedStarts, forKey: .failedStarts)
        try fields.encode(lastStart, forKey: .lastStart)
        try fields.encode(generation, forKey: .generation)
    }
}
