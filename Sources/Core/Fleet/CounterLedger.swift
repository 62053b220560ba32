/// What a controller has counted of one device: a delta is the device's running totals minus this ledger.
///
/// Heartbeats may be lost, repeated, reordered or split; because each carries running totals and the ledger keeps the
/// largest seen, everything is counted once. Nothing here forgets: a series leaves by ``forget(_:)`` alone.
public struct CounterLedger: Codable, Hashable, Sendable {
    /// The largest totals seen of each series.
    public private(set) var totals: [RuntimeSeries: RuntimeTotals]

    /// The gaps seen of each series that has any.
    public private(set) var gaps: [RuntimeSeries: UInt64] = [:]

    /// Makes a ledger, empty or as it was stored.
    public init(totals: [RuntimeSeries: RuntimeTotals] = [:]) {
        self.totals = totals
    }

    /// Takes in running totals and returns what is new in them.
    ///
    /// - Parameters:
    ///   - reported: the device's running totals of the series.
    ///   - base: what the device knows to be counted already; used only for a series that this ledger does not know.
    public mutating func absorb(
        _ series: RuntimeSeries, reported: RuntimeTotals, base: RuntimeTotals? = nil
    ) -> RuntimeTotals {
        let known = totals[series] ?? base ?? RuntimeTotals()
        let latest = known.maximum(reported)
        totals[series] = latest
        return latest.subtracting(known)
    }

    /// Takes in how many gaps a series has by now and returns how many of them are new.
    public mutating func absorb(_ series: RuntimeSeries, gaps reported: UInt64) -> UInt64 {
        let known = gaps[series] ?? 0
        guard reported > known else { return 0 }
        gaps[series] = reported
        return reported - known
    }

    /// Drops a series that its device will not report again.
    public mutating func forget(_ series: RuntimeSeries) {
        totals[series] = nil
        gaps[series] = nil
    }
}
