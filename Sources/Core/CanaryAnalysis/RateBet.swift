import RealModule

/// A bet against "canaries fail at least at this rate", by a model of devices and without any comparison: it is won
/// where nothing fails on either arm, when a ratio of failures has no meaning.
///
/// An absolute tolerance is kept if the new version's whole rate is below it. Where no failure shows how far devices
/// differ, they are taken to differ as much as their mean.
struct RateBet: Sendable {
    /// What is bet on, as parts of the rate.
    private static let parts = [0.5, 0.25, 0.1]
    private static let smallestSpread = 1.0

    private let rate: Double
    private var observed: [Double]
    /// What the rate makes of each canary unit's requests on the new version.
    private var expected: [Double]

    init(against rate: Double, units: Int) {
        self.rate = rate
        observed = [Double](repeating: 0, count: units)
        expected = observed
    }

    /// Credits what a canary measured on the new version.
    mutating func add(_ failures: Double, of requests: Double, unit: Int) {
        observed[unit] += failures
        expected[unit] += rate * requests
    }

    /// ln of what is won so far; no canary says more than `cap`.
    func gain(spread: Double, cap: Double) -> Double {
        let shape = 1 / max(Self.smallestSpread, spread.isFinite ? spread : 0)
        return Double.logOfMeanExponential(
            Self.parts.map { part in
                expected.indices.reduce(0) { sum, index in
                    guard expected[index] > 0 else { return sum }
                    let one =
                        observed[index] * Double.log(part) + (observed[index] + shape)
                        * Double.log((shape + expected[index]) / (shape + part * expected[index]))
                    return sum + min(one, cap)
                }
            })
    }
}
