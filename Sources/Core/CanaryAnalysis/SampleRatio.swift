import RealModule

/// Whether as many of the drawn report as of the others: looked at once, each device counted once.
///
/// Fed at every tick it would alarm by itself, and in the first ticks it would hold every slow update.
struct SampleRatio: Sendable {
    /// A smaller chance than this is a mismatch.
    static let level = 0.001

    /// The share of assignments that are at least as uneven, doubled; nil before the look.
    private(set) var chance: Double?
    private var counts = (canaries: 0, others: 0)

    /// Why nothing may advance; nil where the arms report alike.
    func holdReason(canaries: Int, others: Int) -> HoldReason? {
        guard let chance, chance < Self.level else { return nil }
        return HoldReason(
            code: "sample_ratio_mismatch",
            sentence: "\(counts.canaries) of \(canaries) canaries report at all and \(counts.others) of \(others) "
                + "others; chance alone is this uneven in fewer than 1 of 1000 draws. Find out why devices do not "
                + "report, then start the step anew")
    }

    /// Looks, if this is the tick to look at.
    mutating func look(_ tracks: [DeviceTracks.Track], cohort: Cohort, assignments: Assignments, tick: Int, at: Int) {
        guard tick == at, chance == nil else { return }
        let sums = assignments.sums(of: Self.reports(tracks, by: cohort.units))
        let above = sums.count { $0 >= sums[0] }
        let below = sums.count { $0 <= sums[0] }
        chance = min(1, 2 * Double(min(above, below)) / Double(sums.count))
        counts.canaries = cohort.canaries.count { tracks[$0].firstHeard != nil }
        counts.others = cohort.others.count { tracks[$0].firstHeard != nil }
    }

    /// Who reports at all; by units that are not devices against what their size makes one expect, in parts of a
    /// device.
    private static func reports(_ tracks: [DeviceTracks.Track], by units: Units?) -> ScoreRow {
        let reports = tracks.map { Int64($0.firstHeard == nil ? 0 : 1) }
        guard let units else { return reports }
        let all = reports.reduce(0, +)
        return zip(units.sums(reports), units.sizes).map { $0 * Int64(tracks.count) - Int64($1) * all }
    }
}
