internal import Fleet
internal import WireFormat

/// The device's side of exactly-once counting in one process: running totals per series, and what the controller has
/// for good.
///
/// A pure value. A series leaves when it has ended and all of it is acknowledged. What a process had not sent when it
/// ended is lost, and a new process begins a series of its own.
struct SeriesBook {
    /// Heartbeats that may wait for their acknowledgement; a forgotten one costs a repetition.
    static let ringLimit = 512
    /// Series in one heartbeat.
    static let reportLimit = 8

    private struct Entry {
        let series: RuntimeSeries
        var totals = RuntimeTotals()
        var acknowledged = RuntimeTotals()
        var isOpen = true
    }

    private var entries: [Entry] = []
    private var ring: [(sequence: UInt64, sent: [RuntimeSeries: RuntimeTotals])] = []
    private var sendsBase = true

    /// Begins a series; those before it have ended.
    mutating func began(_ series: RuntimeSeries) {
        for index in entries.indices where entries[index].series.model == series.model { entries[index].isOpen = false }
        entries.append(Entry(series: series))
    }

    /// Takes in what was counted of a series.
    mutating func counted(_ totals: RuntimeTotals, of series: RuntimeSeries) {
        guard let index = entries.firstIndex(where: { $0.series == series }) else { return }
        entries[index].totals = entries[index].totals.maximum(totals)
    }

    /// What heartbeat `sequence` carries.
    mutating func report(sequence: UInt64) -> [SeriesReport] {
        let chosen = entries.prefix(Self.reportLimit)
        ring.append((sequence, Dictionary(chosen.map { ($0.series, $0.totals) }) { $1 }))
        if ring.count > Self.ringLimit { ring.removeFirst() }
        return chosen.map { entry in
            SeriesReport(
                series: entry.series, totals: entry.totals, base: sendsBase ? entry.acknowledged : nil)
        }
    }

    /// Takes in a reply: every heartbeat up to `committedThrough` is counted for good.
    mutating func acknowledged(through committedThrough: UInt64, wantsBase: Bool) {
        sendsBase = wantsBase
        for (sequence, sent) in ring where sequence <= committedThrough {
            for index in entries.indices {
                guard let totals = sent[entries[index].series] else { continue }
                entries[index].acknowledged = entries[index].acknowledged.maximum(totals)
            }
        }
        ring.removeAll { $0.sequence <= committedThrough }
        entries.removeAll { !$0.isOpen && $0.totals == $0.acknowledged }
    }

    /// Whether everything counted is acknowledged.
    var isSettled: Bool { entries.allSatisfy { $0.totals == $0.acknowledged } }
}
