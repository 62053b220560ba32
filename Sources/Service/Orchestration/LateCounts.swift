import Fleet
import Foundation
import WireFormat

/// Counts that came after a device was away: they were taken as new when they arrived, and are older.
struct LateCounts: Sendable {
    /// A device that was not heard for so long is asked for its ring, seconds.
    static let latenessSeconds = 120.0

    /// What an upload says about how much less the counts are worth than they were taken for.
    struct Discount: Hashable, Sendable {
        /// What was measured too much, as it is worth at the moment of its arrival.
        var measured = NamedMeasurements()
        /// Points that were used.
        var points = 0
        /// The moment of their arrival.
        let countedAt: Timestamp
    }

    /// The device's last word before, on its own clock, milliseconds since 1970.
    let since: Int64
    /// When the counts arrived.
    let countedAt: Timestamp
    /// The same moment on the device's clock, milliseconds since 1970.
    let sentAt: Int64
    /// How much of each series came late, until its times are told.
    private(set) var series: [RuntimeSeries: RuntimeTotals] = [:]

    /// Since when a device was away, on its own clock; nil where it was not, or was never heard before.
    static func awaySince(_ last: Timestamp?, _ heartbeat: Heartbeat, at now: Timestamp) -> Int64? {
        guard let last, now.seconds(since: last) >= latenessSeconds else { return nil }
        return heartbeat.sentAt - (now.milliseconds - last.milliseconds)
    }

    init(since: Int64, countedAt: Timestamp, sentAt: Int64) {
        self.since = since
        self.countedAt = countedAt
        self.sentAt = sentAt
    }

    /// Counts of a series were taken as new; only those of the heartbeat that came late are.
    mutating func counted(_ counted: RuntimeSeries, _ fresh: RuntimeTotals, at now: Timestamp) {
        guard now == countedAt else { return }
        series[counted] = (series[counted] ?? RuntimeTotals()).adding(fresh)
    }

    /// Uses a series' points, once; nil for a series that is not waited for.
    ///
    /// Never more is discounted than came late, whatever the points say.
    mutating func take(_ upload: HistoryUpload) -> Discount? {
        guard let bound = series.removeValue(forKey: upload.series) else { return nil }
        var discount = Discount(countedAt: countedAt)
        for (before, after) in zip(upload.points, upload.points.dropFirst()) where after.at > since {
            let fresh = after.totals.subtracting(before.totals)
            let ageSeconds = max(0, Double(sentAt - after.at) / 1000)
            let lost = 1 - exp2(-ageSeconds / VersionHistory.halfLifeSeconds)
            discount.measured.add(NamedMeasurements(fresh).scaled(by: lost))
            discount.points += 1
        }
        discount.measured = discount.measured.limited(to: NamedMeasurements(bound))
        return discount
    }
}
