import RealModule

/// One row of the test: a number per device whose sum over the canaries is compared with all other assignments.
struct TestRow {
    /// The metric or event.
    let metric: String
    /// What the row looks at, such as `weighted since start`.
    let test: String
    /// Its share of the error budget; the shares of all rows add up to 1.
    let weight: Double
    /// True where the row takes part in the decision, false where it is only shown.
    let decides: Bool
    /// The scores.
    let scores: ScoreRow
}

/// The strength of one row at one tick.
struct RowStrength {
    let metric: String
    let test: String
    /// Weighted -ln p of the observed assignment.
    let evidence: Double
    /// The observed sum in standard deviations from the mean of all assignments.
    let standardised: Double
}

/// T(1): is the canary worse than the others, by any row? Every row is standardised over the assignments and freed of
/// its skewness, so that rare and frequent metrics compete fairly, and the largest decides: one budget for all.
struct HarmTest: Sendable {
    private(set) var test: SequentialTest
    /// The row, evidence and bound with which the observed assignment crossed.
    private(set) var crossing: (row: TestRowName, evidence: Double, bound: Double)?

    init(assignments: Int, spending: Spending) {
        test = SequentialTest(assignments: assignments, spending: spending)
    }

    /// The result of one look.
    struct Look {
        let rows: [RowStrength]
        let bound: Double
        let largest: RowStrength?
    }

    mutating func look(_ rows: [TestRow], over assignments: Assignments, tick: Int) -> Look {
        var largest = [Double](repeating: -.infinity, count: assignments.count)
        var strengths: [RowStrength] = []
        for row in rows {
            guard let standard = StandardisedRow(assignments.sums(of: row.scores)) else { continue }
            let offset = Double.log(row.weight)
            strengths.append(
                RowStrength(
                    metric: row.metric, test: row.test,
                    evidence: NormalTail.minusLogUpper(standard.value(0)) + offset, standardised: standard.plain(0)))
            guard row.decides else { continue }
            for assignment in 0..<assignments.count {
                let evidence = NormalTail.minusLogUpper(standard.value(assignment)) + offset
                if evidence > largest[assignment] { largest[assignment] = evidence }
            }
        }
        let deciding = Set(rows.filter(\.decides).map { TestRowName(metric: $0.metric, test: $0.test) })
        let leader = strengths.filter { deciding.contains(TestRowName(metric: $0.metric, test: $0.test)) }
            .max { $0.evidence < $1.evidence }
        let bound = test.look(largest, tick: tick)
        if test.crossedAt == tick, crossing == nil, let leader {
            crossing = (TestRowName(metric: leader.metric, test: leader.test), leader.evidence, bound)
        }
        return Look(rows: strengths, bound: bound, largest: leader)
    }
}

/// A row's name.
struct TestRowName: Hashable, Sendable {
    let metric: String
    let test: String
}

/// A row's sums on a common scale; nil where every assignment has the same sum.
struct StandardisedRow {
    private let sums: [Int64]
    private let mean: Double
    private let deviation: Double
    private let skewness: Double

    init?(_ sums: [Int64]) {
        guard let first = sums.first, sums.contains(where: { $0 != first }) else { return nil }
        self.sums = sums
        let count = Double(sums.count)
        let shifted = sums.map { Double($0 &- first) }
        let center = shifted.reduce(0, +) / count
        var second = 0.0
        var third = 0.0
        for value in shifted {
            let difference = value - center
            second += difference * difference
            third += difference * difference * difference
        }
        mean = center + Double(first)
        deviation = Double.sqrt(second / count)
        skewness = third / count / (deviation * deviation * deviation)
    }

    /// Standard deviations from the mean.
    func plain(_ assignment: Int) -> Double {
        (Double(sums[assignment]) - mean) / deviation
    }

    /// The same with the skewness taken out.
    func value(_ assignment: Int) -> Double {
        NormalTail.withoutSkewness(plain(assignment), skewness: skewness)
    }
}
