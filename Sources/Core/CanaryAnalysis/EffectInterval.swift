import RealModule

/// The effects that the data of one tick do not refuse at 2.5 % on either side, for display: the test inverted over a
/// grid.
///
/// For an effect above 1 the canaries' failures are thinned by it, below 1 the others'; what is left must look
/// exchangeable.
struct EffectInterval {
    private static let grid = [
        0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 20,
    ]

    /// The smallest effect of the grid that is not refused; nil where even the smallest of all is not.
    let lower: Double?
    /// The largest effect of the grid that is not refused; nil where even the largest of all is not.
    let upper: Double?

    init(ledger: CountLedger, metric: Int, seed: UInt64, _ standing: Standing) {
        let isCanary = standing.experiment.devices.map(\.isCanary)
        let total = ledger.expected.reduce(0, +)
        let kept = Self.grid.filter { effect in
            let observed = ledger.observed.indices.map { index -> Double in
                let keep = isCanary[index] ? min(1, 1 / effect) : min(1, effect)
                return Self.thinned(
                    ledger.observed[index], keep: keep, seed: seed,
                    row: UInt32(truncatingIfNeeded: metric) << 24 | UInt32(truncatingIfNeeded: index))
            }
            let left = observed.reduce(0, +)
            guard total > 0, left > 0 else { return true }
            let expected = ledger.expected.map { $0 * left / total }
            let sums = standing.assignments.sums(of: Scores(observed: observed, expected: expected).weighted())
            let above = Double(sums.count { $0 >= sums[0] }) / Double(sums.count)
            let below = Double(sums.count { $0 <= sums[0] }) / Double(sums.count)
            return min(above, below) > 0.025
        }
        // An end of the grid that is not refused is no bound: nothing is known about what lies beyond it.
        lower = kept.first.flatMap { $0 > Self.grid[0] ? $0 : nil }
        upper = kept.last.flatMap { $0 < Self.grid[Self.grid.count - 1] ? $0 : nil }
    }

    private static func thinned(_ count: Double, keep: Double, seed: UInt64, row: UInt32) -> Double {
        guard keep < 1 else { return count }
        var left = 0.0
        for event in 0..<UInt64(max(0, count))
        where KeyedRandom.uniform(seed: seed, purpose: .interval, row: row, column: event) < keep {
            left += 1
        }
        return left
    }
}
