import RealModule

/// One row of the test: a number per device whose sum over the canaries is compared with all other assignments.
struct TestRow {
    /// The metric or event.
    let metric: String
    /// What the row looks at, such as `weighted since start`.
    let test: String
    /// Its share of the error budget; the shares of all rows that decide add up to at most 1.
    var weight: Double
    /// True where the row takes part in the decision, false where it is only shown.
    let decides: Bool
    /// The scores.
    let scores: ScoreRow

    var name: TestRowName { TestRowName(metric: metric, test: test) }
}

/// A row's name.
struct TestRowName: Codable, Hashable, Sendable {
    let metric: String
    let test: String
}

/// The strength of one row at one tick.
struct RowStrength: Sendable {
    let metric: String
    let test: String
    let decides: Bool
    /// Weighted -ln p of the observed assignment.
    let evidence: Double
    /// The same for the opposite: the canary is better.
    let evidenceBelow: Double
    /// The observed sum in standard deviations from the mean of all assignments.
    let standardised: Double

    var name: TestRowName { TestRowName(metric: metric, test: test) }
}

/// T(1): is the canary worse than the others, by any row? Every row is standardised over the assignments and freed of
/// its skewness, so that rare and frequent metrics compete fairly, and the largest decides: one budget for all.
struct HarmTest: Sendable {
    private(set) var test: SequentialTest
    /// The rows with which the observed assignment crossed, and those that passed the same bound since.
    private(set) var crossings: [Crossing] = []

    /// A row that passed the bound.
    struct Crossing: Sendable {
        let row: TestRowName
        /// The evidence when it did.
        let evidence: Double
        let bound: Double
    }

    init(assignments: Int, spending: Spending) {
        test = SequentialTest(assignments: assignments, spending: spending)
    }

    /// The result of one look.
    struct Look: Sendable {
        let rows: [RowStrength]
        let bound: Double
        let largest: RowStrength?
    }

    mutating func look(_ rows: [TestRow], over assignments: Assignments, tick: Int) -> Look {
        var largest = [Double](repeating: -.infinity, count: assignments.count)
        var strengths: [RowStrength] = []
        for (row, sums) in zip(rows, assignments.sums(of: rows.map(\.scores))) {
            guard let scale = RowScale(sums), row.weight > 0 else { continue }
            let offset = Double.log(row.weight)
            strengths.append(
                RowStrength(
                    metric: row.metric, test: row.test, decides: row.decides,
                    evidence: scale.evidence(sums[0]) + offset, evidenceBelow: scale.evidenceBelow(sums[0]) + offset,
                    standardised: scale.standardised(sums[0])))
            guard row.decides else { continue }
            for assignment in 0..<assignments.count {
                let evidence = scale.evidence(sums[assignment]) + offset
                if evidence > largest[assignment] { largest[assignment] = evidence }
            }
        }
        let leader = strengths.filter(\.decides).max { $0.evidence < $1.evidence }
        let bound = test.look(largest, tick: tick)
        if test.crossedAt != nil { noteCrossings(strengths, bound: crossings.first?.bound ?? bound) }
        return Look(rows: strengths, bound: bound, largest: leader)
    }

    private mutating func noteCrossings(_ rows: [RowStrength], bound: Double) {
        let fresh = rows.filter { row in
            row.decides && row.evidence > bound && !crossings.contains { $0.row == row.name }
        }
        crossings += fresh.sorted { $0.evidence > $1.evidence }.map {
            Crossing(row: $0.name, evidence: $0.evidence, bound: bound)
        }
    }
}
