import RealModule

/// One number per unit (a device, unless devices are drawn together) and row, in multiples of 2^-32, so that sums do
/// not depend on their order and ties are exact.
typealias ScoreRow = [Int64]

/// The scores of one window of a ledger, by its units.
enum Scores {
    /// The largest a capped score may be: three devices at the cap make a likelihood of 100.
    static let cap = Double.log(100) / 3
    /// A larger score says no more, and sums must not overflow.
    private static let largest = 1e5

    /// Differences from expectation, weighted down where a device's expectation is large against its heterogeneity: one
    /// wild device counts in full.
    static func weighted(_ window: DeviceLedger.Window, of ledger: DeviceLedger) -> ScoreRow {
        weighted(window, of: ledger, by: ledger.units)
    }

    /// The same by other units: by devices for nil.
    static func weighted(_ window: DeviceLedger.Window, of ledger: DeviceLedger, by units: Units?) -> ScoreRow {
        switch ledger.kind {
        case .share: CountScores(window.summed(by: units)).weighted()
        case .mean: MeanScores(window, scatter: ledger, by: units).weighted()
        }
    }

    /// Scores that no single device can drive far: gamma-Poisson likelihood ratios of "fails `ratio` times as often",
    /// or deviations of a mean, clipped.
    static func capped(
        _ window: DeviceLedger.Window, of ledger: DeviceLedger, ratio: Double = 1.5, isClippedBelow: Bool = false
    ) -> ScoreRow {
        switch ledger.kind {
        case .share:
            CountScores(window.summed(by: ledger.units)).likelihood(ratio: ratio, isClippedBelow: isClippedBelow)
        case .mean: MeanScores(window, scatter: ledger, by: ledger.units).clipped()
        }
    }

    /// The capped scores of single devices, whatever the units.
    static func cappedOfDevices(_ window: DeviceLedger.Window, of ledger: DeviceLedger) -> ScoreRow {
        switch ledger.kind {
        case .share: CountScores(window).likelihood(ratio: 1.5)
        case .mean: MeanScores(window, scatter: ledger, by: nil).clipped()
        }
    }

    static func fixed(_ value: Double) -> Int64 {
        Int64((max(-largest, min(largest, value)) * 0x1p32).rounded(.toNearestOrEven))
    }
}

/// How far devices' counts stray from their expectation, and the scores that follow from it.
struct CountScores {
    private let observed: [Double]
    private let expected: [Double]
    /// The residual heterogeneity: the variance of a device's factor.
    let spread: Double

    init(_ window: DeviceLedger.Window) {
        self.init(observed: window.observed, expected: window.scale)
    }

    init(observed: [Double], expected: [Double]) {
        self.observed = observed
        self.expected = expected
        spread = Self.spread(observed: observed, expected: expected)
    }

    func weighted() -> ScoreRow {
        observed.indices.map { index in
            Scores.fixed((observed[index] - expected[index]) / (1 + spread * expected[index]))
        }
    }

    /// Log-likelihood ratios, from below `-cap` (if wanted) to `cap`.
    func likelihood(ratio: Double, isClippedBelow: Bool = false) -> ScoreRow {
        let shape = 1 / spread
        let logRatio = Double.log(ratio)
        return observed.indices.map { index in
            let value = min(
                logLikelihood(index, logRatio: logRatio, ratio: ratio, shape: shape), Scores.cap)
            return Scores.fixed(isClippedBelow ? max(value, -Scores.cap) : value)
        }
    }

    /// The log-likelihood ratio of one device.
    func logLikelihood(_ index: Int, ratio: Double) -> Double {
        logLikelihood(index, logRatio: Double.log(ratio), ratio: ratio, shape: 1 / spread)
    }

    private func logLikelihood(_ index: Int, logRatio: Double, ratio: Double, shape: Double) -> Double {
        let relative = expected[index] * spread
        return observed[index] * logRatio
            + (observed[index] + shape) * (Double.log(onePlus: relative) - Double.log(onePlus: ratio * relative))
    }

    /// Moments over the whole list without its 2 % largest residuals, so that it neither sees labels nor one wild
    /// device.
    private static func spread(observed: [Double], expected: [Double]) -> Double {
        let smallest = 1e-3
        let places = observed.indices.filter { expected[$0] > 0 }
        let ratios = places.map { index in
            let difference = observed[index] / expected[index] - 1
            return difference * difference
        }
        let dropped = Int(0.02 * Double(places.count))
        guard !places.isEmpty else { return smallest }
        let bound = OrderStatistic.value(at: places.count - 1 - dropped, of: ratios)
        var excess = 0.0
        var squares = 0.0
        for (index, ratio) in zip(places, ratios) where ratio <= bound {
            let square = expected[index] * expected[index]
            excess += ratio * square - expected[index]
            squares += square
        }
        return squares > 0 ? max(smallest, excess / squares) : smallest
    }
}

/// How far devices' means stray from their expectation, and the scores that follow from it.
struct MeanScores {
    /// So many standard deviations is a clipped score at most.
    private static let clip = 2.5

    /// Standardised deviations, and the root of each one's weight.
    private let deviations: [Double]
    private let roots: [Double]

    init(_ window: DeviceLedger.Window, scatter ledger: DeviceLedger, by units: Units?) {
        let window = window.summed(by: units)
        let count = window.scale
        let means = count.indices.map { count[$0] > 0 ? window.observed[$0] / count[$0] : 0 }
        let known = count.indices.filter { count[$0] > 0 }
        let within = Self.within(ledger, by: units)
        let usual = Self.usual(means, known)
        let between = Self.between(means, count, usual, within: within)
        let weights = count.indices.map { count[$0] > 0 ? 1 / (within / count[$0] + between) : 0 }
        let total = weights.reduce(0, +)
        guard total > 0, total.isFinite else {
            deviations = means.map { _ in 0 }
            roots = deviations
            return
        }
        let center =
            usual.reduce(0) { $0 + weights[$1] * means[$1] } / usual.reduce(0) { $0 + weights[$1] }
        let unit = Double.sqrt(total / Double(known.count))
        deviations = means.indices.map { (means[$0] - center) * Double.sqrt(weights[$0]) }
        roots = weights.map { Double.sqrt($0) / unit }
    }

    func weighted() -> ScoreRow {
        deviations.indices.map { Scores.fixed(deviations[$0] * roots[$0]) }
    }

    func clipped() -> ScoreRow {
        deviations.indices.map { Scores.fixed(max(-Self.clip, min(Self.clip, deviations[$0])) * roots[$0]) }
    }

    /// The variance of one request's value within a unit: what ticks stray from their unit's mean.
    private static func within(_ ledger: DeviceLedger, by units: Units?) -> Double {
        let (all, whole) = (ledger.scatter, ledger.sinceStart.summed(by: units))
        var explained = 0.0
        var devices = 0.0
        for index in whole.scale.indices where whole.scale[index] > 0 {
            explained += whole.observed[index] * whole.observed[index] / whole.scale[index]
            devices += 1
        }
        return all.count > devices ? max(0, (all.sum - explained) / (all.count - devices)) : 0
    }

    /// All but the 2 % of devices that stray most from the median.
    private static func usual(_ means: [Double], _ known: [Int]) -> [Int] {
        guard !known.isEmpty else { return [] }
        let median = OrderStatistic.value(at: known.count / 2, of: known.map { means[$0] })
        let distances = known.map { abs(means[$0] - median) }
        let bound = OrderStatistic.value(
            at: known.count - 1 - Int(0.02 * Double(known.count)), of: distances)
        return zip(known, distances).filter { $0.1 <= bound }.map(\.0)
    }

    /// The variance between devices that the one within does not explain.
    private static func between(_ means: [Double], _ count: [Double], _ usual: [Int], within: Double) -> Double {
        guard !usual.isEmpty else { return 0 }
        let kept = Double(usual.count)
        let center = usual.reduce(0) { $0 + means[$1] } / kept
        let spread = usual.reduce(0) { $0 + (means[$1] - center) * (means[$1] - center) }
        let noise = usual.reduce(0) { $0 + within / count[$1] }
        // Never quite nothing: one device with very many requests must not outweigh all others.
        return max((spread - noise) / kept, 0.01 * spread / kept)
    }
}
