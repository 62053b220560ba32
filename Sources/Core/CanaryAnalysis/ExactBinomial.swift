import RealModule

/// Exact statements about a share that was seen in so many runs.
public struct ExactBinomial: Hashable, Sendable {
    /// Runs in which it happened.
    public let successes: Int
    /// Runs.
    public let runs: Int

    /// Counts runs.
    public init(_ successes: Int, of runs: Int) {
        self.successes = successes
        self.runs = runs
    }

    /// The share that was seen; 0 without runs.
    public var share: Double { runs > 0 ? Double(successes) / Double(runs) : 0 }

    /// The interval of Clopper and Pearson at this level (0.95), two-sided.
    ///
    /// Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    /// 1934.
    public func interval(level: Double = 0.95) -> ClosedRange<Double> {
        let tail = (1 - level) / 2
        let lower = successes == 0 ? 0 : Self.root { atLeast($0) - tail }
        let upper = successes == runs ? 1 : Self.root { tail - atMost($0) }
        return lower...max(lower, upper)
    }

    /// The probability of at least as many where the true share is `share`.
    public func atLeast(_ share: Double) -> Double {
        guard successes > 0 else { return 1 }
        return Self.incompleteBeta(share, Double(successes), Double(runs - successes + 1))
    }

    /// The probability of at most as many where the true share is `share`.
    public func atMost(_ share: Double) -> Double {
        guard successes < runs else { return 1 }
        return 1 - Self.incompleteBeta(share, Double(successes + 1), Double(runs - successes))
    }

    /// Where a growing function of a share crosses zero.
    private static func root(_ function: (Double) -> Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if function(middle) < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The regularised incomplete beta function, by its continued fraction.
    ///
    /// Source: Abramowitz and Stegun 26.5.8, evaluated by Lentz's method.
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        // The fraction converges quickly on this side of the mean; the other side is its mirror.
        return x < (a + 1) / (a + b + 2) ? continuedFraction(x, a, b) : 1 - continuedFraction(1 - x, b, a)
    }

    private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let front =
            Double.logGamma(a + b) - Double.logGamma(a) - Double.logGamma(b) + a * Double.log(x)
            + b * Double.log(onePlus: -x)
        var c = 1.0
        var d = 1 / guarded(1 - (a + b) * x / (a + 1))
        var fraction = d
        for step in 1..<1_000 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / guarded(1 + even * d)
            c = guarded(1 + even / c)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / guarded(1 + odd * d)
            c = guarded(1 + odd / c)
            fraction *= d * c
            if abs(d * c - 1) < 1e-15 { break }
        }
        return Double.exp(front) * fraction / a
    }

    private static func guarded(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
}
