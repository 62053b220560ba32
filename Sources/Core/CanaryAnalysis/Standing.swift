import RealModule

/// How the arms stand at one tick: what the parts of a judgement share.
struct Standing {
    let experiment: StepExperiment
    let cohort: Cohort
    let tick: Int
    let tracks: [DeviceTracks.Track]
    let assignments: Assignments
    let look: HarmTest.Look

    var canaries: [Int] { cohort.canaries }
    var others: [Int] { cohort.others }
    var isCanary: [Bool] { cohort.isCanary }

    /// How many units were drawn and were not; nil where devices are the units.
    var units: UnitCounts? { cohort.units == nil ? nil : experiment.unitCounts }

    var commandedCount: Int { canaries.count { tracks[$0].commandedAt != nil } }

    var exposedCount: Int { canaries.count { tracks[$0].isExposed } }

    /// The evidence of each kind of event.
    var events: [EventJudgement] {
        EventKind.allCases.map { kind in
            EventJudgement(
                name: kind.rawValue, canaries: canaries.reduce(0) { $0 + kind.count(tracks[$1]) },
                others: others.reduce(0) { $0 + kind.count(tracks[$1]) },
                evidence: look.rows.first { $0.metric == kind.rawValue }?.evidence ?? 0)
        }
    }

    /// How many times likelier an event is on canaries; half an event is added to each arm, so that zero is ordinary.
    func eventEffect(_ name: String) -> Double {
        guard let kind = EventKind(rawValue: name) else { return 1 }
        let canary = (Double(canaries.reduce(0) { $0 + kind.count(tracks[$1]) }) + 0.5) / (Double(canaries.count) + 1)
        let other = (Double(others.reduce(0) { $0 + kind.count(tracks[$1]) }) + 0.5) / (Double(others.count) + 1)
        return canary / other
    }

    // MARK: - Classes of devices

    /// How the sum of a row over one class stands among all assignments.
    private struct ClassStanding {
        let name: String
        /// The share of assignments whose sum is at least as large.
        let rank: Double
        let standardised: Double
        /// The rank of everyone else's sum.
        let restRank: Double
        /// How many standard deviations the class is worse than everyone else.
        ///
        /// Where all are worse alike, a standardised sum grows with the root of the canaries behind it; weighted
        /// across, the difference has mean 0 and variance 1.
        let apart: Double
    }

    private func classes(of row: ScoreRow) -> [ClassStanding] {
        let rows = cohort.classes.flatMap { one in
            [scores(row, of: one.isMember), scores(row, of: one.isMember.map { !$0 })]
        }
        let sums = assignments.sums(of: rows)
        return cohort.classes.indices.map { index in
            let own = Self.standardised(sums[2 * index])
            let rest = Self.standardised(sums[2 * index + 1])
            let part = share(of: cohort.classes[index].isMember)
            return ClassStanding(
                name: cohort.classes[index].name, rank: Self.rank(sums[2 * index]), standardised: own,
                restRank: Self.rank(sums[2 * index + 1]),
                apart: own * Double.sqrt(1 - part) - rest * Double.sqrt(part))
        }
    }

    private static func standardised(_ sums: [Int64]) -> Double { RowScale(sums)?.standardised(sums[0]) ?? 0 }

    /// The share of the canaries that are members.
    private func share(of isMember: [Bool]) -> Double {
        Double(canaries.count { isMember[$0] }) / Double(max(1, canaries.count))
    }

    /// The scores of a class's devices by unit; against the class's mean where units may have more or fewer of them.
    private func scores(_ row: ScoreRow, of isMember: [Bool]) -> ScoreRow {
        guard let units = cohort.units else { return row.indices.map { isMember[$0] ? row[$0] : 0 } }
        let members = isMember.indices.filter { isMember[$0] }
        let mean = Int64(members.reduce(0.0) { $0 + Double(row[$1]) } / Double(max(1, members.count)))
        return units.sums(row.indices.map { isMember[$0] ? row[$0] &- mean : 0 })
    }

    private static func rank(_ sums: [Int64]) -> Double {
        Double(sums.count { $0 >= sums[0] }) / Double(sums.count)
    }

    /// The class whose canaries carry a metric's harm beyond what chance explains, by scores of devices; nil where none
    /// does.
    func concentration(of row: ScoreRow) -> String? {
        let level = 0.05 / Double(max(1, cohort.classes.count))
        let sums = assignments.sums(of: cohort.classes.map { scores(row, of: $0.isMember) })
        return zip(cohort.classes, sums).first { Self.rank($0.1) <= level }?.0.name
    }

    /// The class of canaries that carries the harm of a row of devices' scores.
    ///
    /// It is worse than chance explains at 1 %. The rest is not at 5 %, or not at 1 % and the class is worse than the
    /// rest at 1 %: of classes that carry all harm, one in twenty has a rest that looks bad by chance.
    func suspect(_ row: ScoreRow) -> String? {
        let worst = classes(of: row)
            .filter { $0.rank < 0.01 && ($0.restRank > 0.05 || $0.restRank >= 0.01 && $0.apart > 2.326) }
            .max { ($0.standardised, $1.name) < ($1.standardised, $0.name) }
        return worst?.name
    }
}
