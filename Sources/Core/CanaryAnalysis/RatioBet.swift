import RealModule

/// A bet on how many times as often canaries fail: on some ratios against one, by a model of devices.
///
/// Each device fails by its own gamma-distributed factor, and the fleet's level is fitted tick by tick, for each ratio
/// by itself, so that waves and incidents cancel. Where the ratio is the one bet against, much is won by chance only:
/// as much as 1 / p with a probability of about p, however often one looks.
///
/// Source: a profile likelihood of the gamma-Poisson model, averaged over ratios (Ville's inequality for the average).
struct RatioBet: Sendable {
    /// What one device measured in a tick.
    struct Entry: Sendable {
        let unit: Int
        let failures: Double
        let expected: Double
        /// The part of both to which the ratio applies.
        let tiltedFailures: Double
        let tiltedExpected: Double
    }

    /// The ratio that is bet against.
    let null: Double
    /// The ratios that are bet on.
    let ratios: [Double]
    /// The failures of every unit.
    private(set) var observed: [Double]
    /// What is expected of every unit by the ratio bet against.
    private(set) var expected: [Double]

    private var tiltedObserved: [Double]
    /// Per ratio: the expectation of every unit, and what the fleet's levels add to the likelihood of its failures.
    private var tilted: [[Double]]
    private var gains: [[Double]]

    init(on ratios: [Double], against null: Double, units: Int) {
        self.null = null
        self.ratios = ratios
        observed = [Double](repeating: 0, count: units)
        expected = observed
        tiltedObserved = observed
        tilted = [[Double]](repeating: observed, count: ratios.count)
        gains = tilted
    }

    /// Credits a tick; one in which nothing failed says nothing about a ratio.
    mutating func add(_ entries: [Entry]) {
        var (failures, canary, others) = (0.0, 0.0, 0.0)
        for entry in entries {
            failures += entry.failures
            canary += entry.tiltedExpected
            others += entry.expected - entry.tiltedExpected
        }
        guard others + canary > 0, failures > 0 else { return }
        let level = failures / (others + null * canary)
        for entry in entries {
            observed[entry.unit] += entry.failures
            tiltedObserved[entry.unit] += entry.tiltedFailures
            expected[entry.unit] += level * (entry.expected + (null - 1) * entry.tiltedExpected)
        }
        for (place, ratio) in ratios.enumerated() {
            let tiltedLevel = failures / (others + ratio * canary)
            let gain = Double.log(tiltedLevel / level)
            for entry in entries {
                gains[place][entry.unit] += entry.failures * gain
                tilted[place][entry.unit] += tiltedLevel * (entry.expected + (ratio - 1) * entry.tiltedExpected)
            }
        }
    }

    /// ln of what is won so far: of the mean over the ratios of the likelihood ratio.
    ///
    /// - Parameters:
    ///   - spread: the variance of a device's factor, above 0; infinite where nothing is known of it.
    ///   - isCanary: of each unit.
    ///   - cap: how much a single canary may say.
    func gain(spread: Double, isCanary: [Bool], cap: Double) -> Double {
        guard spread.isFinite else { return 0 }
        let shape = 1 / spread
        let known = expected.indices.filter { expected[$0] > 0 }
        let base = known.map { Double.log(shape + expected[$0]) }
        return Double.logOfMeanExponential(
            ratios.indices.map { place -> Double in
                let logRatio = Double.log(ratios[place] / null)
                var sum = 0.0
                for (index, base) in zip(known, base) {
                    let one =
                        gains[place][index] + tiltedObserved[index] * logRatio
                        + (observed[index] + shape) * (base - Double.log(shape + tilted[place][index]))
                    sum += isCanary[index] ? min(one, cap) : one
                }
                return sum
            })
    }
}

extension Double {
    /// ln of the mean of e to these powers; 0 for none.
    static func logOfMeanExponential(_ powers: [Double]) -> Double {
        guard let largest = powers.max() else { return 0 }
        return largest + log(powers.reduce(0) { $0 + exp($1 - largest) } / Double(powers.count))
    }
}
