import Fleet
import WireFormat

/// What the device had counted at earlier times: a point a minute for two hours, a point a quarter of an hour for a
/// week.
///
/// A pure value. The controller asks for it after the device was away, to know when the counts that came late arose. It
/// is kept in memory: an agent that starts again has no older points, and the counts themselves are kept elsewhere.
struct HistoryRing: Sendable {
    /// One point.
    private struct Point: Sendable {
        let at: Timestamp
        let totals: [RuntimeSeries: RuntimeTotals]
    }

    /// Points at a regular distance, the oldest dropped first.
    private struct Points: Sendable {
        let distanceSeconds: Double
        let limit: Int
        var points: [Point] = []

        mutating func note(_ point: Point) {
            if let last = points.last, point.at.seconds(since: last.at) < distanceSeconds { return }
            points.append(point)
            if points.count > limit { points.removeFirst() }
        }
    }

    private var fine = Points(distanceSeconds: 60, limit: 120)
    private var coarse = Points(distanceSeconds: 900, limit: 672)

    /// Takes a point, if the last one is long enough ago.
    mutating func note(_ totals: [RuntimeSeries: RuntimeTotals], at now: Timestamp) {
        // A clock that went back begins anew: points must be sorted by time.
        if let last = fine.points.last, now < last.at { self = HistoryRing() }
        let point = Point(at: now, totals: totals)
        fine.note(point)
        coarse.note(point)
    }

    /// What each series counted after a moment: its points since then and the last one before, at most 500.
    ///
    /// A series that counted nothing in that time, or of which only one point is known, has nothing to tell.
    func uploads(since moment: Timestamp) -> [HistoryUpload] {
        let older = coarse.points.filter { point in fine.points.first.map { point.at < $0.at } ?? true }
        let points = older + fine.points
        let first = points.lastIndex { $0.at <= moment } ?? 0
        let wanted = points.dropFirst(first)
        let series = Set(wanted.flatMap(\.totals.keys)).sorted {
            ($0.start, $0.digest.hex) < ($1.start, $1.digest.hex)
        }
        return series.compactMap { series in
            let told = wanted.compactMap { point in
                point.totals[series].map { HistoryUpload.Point(at: point.at.milliseconds, totals: $0) }
            }
            guard let last = told.last, told.first?.totals != last.totals else { return nil }
            return HistoryUpload(series: series, points: Array(told.suffix(HistoryUpload.pointLimit)))
        }
    }
}
