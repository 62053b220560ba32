import RealModule

/// The effects that the data of one tick do not refuse at 2.5 % on either side, for display: the test inverted over a
/// grid of ratios, or of differences for a mean.
///
/// For a ratio above 1 the canaries' failures are thinned by it, below 1 the others'; a difference is taken off the
/// canaries. What is left must look exchangeable.
struct EffectInterval: Sendable {
    private static let ratios = [
        0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 20,
    ]

    /// The largest effect of the grid that is refused as too small; nil where even the smallest of all is not.
    let lower: Double?
    /// The smallest effect of the grid that is refused as too large; nil where even the largest of all is not.
    let upper: Double?

    init(ledger: DeviceLedger, metric: Int, seed: UInt64, _ standing: Standing) {
        let isCanary = standing.isCanary
        let grid: [Double]
        let rows: [ScoreRow?]
        switch ledger.kind {
        case .share:
            grid = Self.ratios
            rows = grid.map { Self.thinned(ledger, by: $0, isCanary: isCanary, metric: metric, seed: seed) }
        case .mean:
            grid = Self.differences(ledger, standing)
            rows = grid.map { Self.moved(ledger, by: $0, isCanary: isCanary) }
        }
        let count = ledger.units?.count ?? ledger.requests.count
        let sums = standing.assignments.sums(of: rows.map { $0 ?? [Int64](repeating: 0, count: count) })
        func isRefused(_ index: Int, where reaches: (Int64, Int64) -> Bool) -> Bool {
            guard rows[index] != nil, let observed = sums[index].first else { return false }
            return Double(sums[index].count { reaches($0, observed) }) <= 0.025 * Double(sums[index].count)
        }
        lower = grid.indices.last { isRefused($0, where: >=) }.map { grid[$0] }
        upper = grid.indices.first { isRefused($0, where: <=) }.map { grid[$0] }
    }

    /// The scores of what is left after thinning; nil where nothing is.
    private static func thinned(
        _ ledger: DeviceLedger, by ratio: Double, isCanary: [Bool], metric: Int, seed: UInt64
    ) -> ScoreRow? {
        let expected = ledger.sinceStart.scale
        let observed = expected.indices.map { index -> Double in
            let count = ledger.sinceStart.observed[index]
            let keep = isCanary[index] ? min(1, 1 / ratio) : min(1, ratio)
            guard keep < 1, count > 0 else { return count }
            return Self.binomial(
                count, keep,
                uniform: KeyedRandom.uniform(
                    seed: seed, purpose: .interval, row: UInt32(truncatingIfNeeded: metric),
                    column: UInt64(index)))
        }
        let left = observed.reduce(0, +)
        let total = expected.reduce(0, +)
        guard total > 0, left > 0 else { return nil }
        let scaled = expected.map { $0 * left / total }
        return CountScores(
            observed: ledger.units?.sums(observed) ?? observed, expected: ledger.units?.sums(scaled) ?? scaled
        ).weighted()
    }

    /// The quantile of a binomial distribution at `uniform`: by summing from zero, beyond 40 by its normal
    /// approximation.
    ///
    /// The same uniform number gives counts that grow with `keep`, so that the interval has no holes.
    private static func binomial(_ count: Double, _ keep: Double, uniform: Double) -> Double {
        let mean = count * keep
        guard count <= 40 else {
            return max(
                0, min(count, (mean + NormalTail.quantile(uniform) * Double.sqrt(mean * (1 - keep))).rounded()))
        }
        var term = Double.pow(1 - keep, count)
        var sum = term
        var number = 0.0
        while sum < uniform, number < count {
            term *= (count - number) / (number + 1) * keep / (1 - keep)
            number += 1
            sum += term
        }
        return number
    }

    /// Twenty-one differences around the estimate, as wide as the canary's mean is uncertain.
    private static func differences(_ ledger: DeviceLedger, _ standing: Standing) -> [Double] {
        let estimate = Arms(ledger.sinceStart, standing).difference
        let window = ledger.sinceStart.summed(by: ledger.units)
        let drawn = ledger.units?.firsts(standing.isCanary) ?? standing.isCanary
        let canaries = drawn.indices.filter { drawn[$0] && window.scale[$0] > 0 }
        guard canaries.count > 1 else { return [estimate] }
        let means = canaries.map { window.observed[$0] / window.scale[$0] }
        let mean = means.reduce(0, +) / Double(means.count)
        let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(means.count - 1)
        let error = Double.sqrt(variance / Double(means.count))
        return (-10...10).map { estimate + Double($0) * 0.4 * error }
    }

    private static func moved(_ ledger: DeviceLedger, by difference: Double, isCanary: [Bool]) -> ScoreRow? {
        let moved = ledger.movedBy(-difference, of: isCanary)
        return Scores.weighted(moved.sinceStart, of: moved)
    }
}
