import Fleet
import WireFormat

/// The device's side of exactly-once counting: running totals per series, and what the controller has of them.
///
/// A pure value. Totals never fall; a series leaves only when it has ended and all of it is acknowledged.
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
    /// Series in one heartbeat; older ones first, so that each gets its turn.
    static let reportLimit = 8

    private(set) var entries: [RuntimeSeries: Entry] = [:]
    /// Unwanted ends of the runtime since the agent's first start.
    var crashes: UInt64 = 0
    /// Starts that did not become healthy since the agent's first start.
    var failedStarts: UInt64 = 0
    /// The newest series start given out; see ``nextStart(now:)``.
    private var lastStart: Int64 = 0
    private var ring: [(sequence: UInt64, sent: [RuntimeSeries: Sent])] = []
    private var sendsBase = true

    init() {}

    /// A start time no other series of this device has, milliseconds since 1970.
    mutating func nextStart(now: Timestamp) -> Int64 {
        lastStart = max(lastStart + 1, now.milliseconds)
        return lastStart
    }

    /// Takes in what a scrape found.
    mutating func observe(_ series: RuntimeSeries, _ totals: RuntimeTotals) {
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
        settle()
    }

    /// The agent has just started: every runtime it knew is gone, and nobody saw its last requests.
    mutating func agentStarted() {
        for (series, var entry) in entries where entry.isOpen {
            entry.isOpen = false
            entry.gaps += 1
            entries[series] = entry
        }
        sendsBase = true
        settle()
    }

    /// What heartbeat `sequence` carries: everything not acknowledged in full, and what counts now.
    ///
    /// It is remembered until acknowledged.
    mutating func report(sequence: UInt64, current: RuntimeSeries?) -> [SeriesReport] {
        let chosen = entries.filter { $0.key == current || !$0.value.isAcknowledged }
            .sorted { $0.key < $1.key }.prefix(Self.reportLimit)
        let sent = chosen.map { ($0.key, Sent(totals: $0.value.totals, gaps: $0.value.gaps)) }
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
        settle()
    }

    private mutating func settle() {
        for (series, entry) in entries where entry.isSettled { entries[series] = nil }
    }

    // MARK: Stored form

    private enum CodingKeys: String, CodingKey {
        case rows, crashes, failedStarts, lastStart
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        crashes = try fields.decode(UInt64.self, forKey: .crashes)
        failedStarts = try fields.decode(UInt64.self, forKey: .failedStarts)
        lastStart = try fields.decode(Int64.self, forKey: .lastStart)
        for row in try fields.decode([Row].self, forKey: .rows) { entries[row.series] = row.entry }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        let rows = entries.sorted { $0.key < $1.key }.map { Row(series: $0.key, entry: $0.value) }
        try fields.encode(rows, forKey: .rows)
        try fields.encode(crashes, forKey: .crashes)
        try fields.encode(failedStarts, forKey: .failedStarts)
        try fields.encode(lastStart, forKey: .lastStart)
    }
}
