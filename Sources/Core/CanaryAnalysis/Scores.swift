import RealModule

/// One number per device and row, in multiples of 2^-32, so that sums do not depend on their order and ties are exact.
typealias ScoreRow = [Int64]

/// How far devices stray from their expectation, and the scores that follow from it.
struct Scores {
    /// The largest a capped score may be: three devices at the cap make a likelihood of 100.
    static let cap = Double.log(100) / 3

    private let observed: [Double]
    private let expected: [Double]
    /// The residual heterogeneity: the variance of a device's factor.
    let spread: Double

    init(observed: [Double], expected: [Double]) {
        self.observed = observed
        self.expected = expected
        spread = Self.spread(observed: observed, expected: expected)
    }

    /// Differences, weighted down where a device's expectation is large against its heterogeneity.
    func weighted() -> ScoreRow {
        observed.indices.map { index in
            Self.fixed((observed[index] - expected[index]) / (1 + spread * expected[index]))
        }
    }

    /// Gamma-Poisson log-likelihood ratios of "fails `ratio` times as often", from below `-limit` (if given) to `cap`.
    func likelihood(ratio: Double, isClippedBelow: Bool = false) -> ScoreRow {
        observed.indices.map { index in
            let value = min(logLikelihood(index, ratio: ratio), Self.cap)
            return Self.fixed(isClippedBelow ? max(value, -Self.cap) : value)
        }
    }

    /// The log-likelihood ratio of one device.
    func logLikelihood(_ index: Int, ratio: Double) -> Double {
        let shape = 1 / spread
        return observed[index] * Double.log(ratio)
            + (observed[index] + shape)
            * (Double.log(onePlus: expected[index] / shape) - Double.log(onePlus: ratio * expected[index] / shape))
    }

    static func fixed(_ value: Double) -> Int64 {
        Int64((value * 0x1p32).rounded(.toNearestOrEven))
    }

    /// Moments over the whole list without its 2 % largest residuals, so that it neither sees labels nor one wild
    /// device.
    private static func spread(observed: [Double], expected: [Double]) -> Double {
        let smallest = 1e-3
        let residuals = observed.indices.filter { expected[$0] > 0 }.map { index in
            let difference = observed[index] - expected[index]
            return (
                ratio: difference * difference / (expected[index] * expected[index]),
                excess: difference * difference - expected[index], square: expected[index] * expected[index]
            )
        }.sorted { $0.ratio < $1.ratio }
        let kept = residuals.prefix(residuals.count - Int(0.02 * Double(residuals.count)))
        let squares = kept.reduce(0) { $0 + $1.square }
        guard squares > 0 else { return smallest }
        return max(smallest, kept.reduce(0) { $0 + $1.excess } / squares)
    }
}
