import RealModule

/// The upper tail of the standard normal distribution, and what turns a skewed statistic into a standard one.
enum NormalTail {
    /// -ln(1 - Phi(z)): by the complementary error function, beyond 5 by its asymptotic series, which never underflows.
    ///
    /// Source: Abramowitz and Stegun 7.1.2 and 7.1.23.
    static func minusLogUpper(_ z: Double) -> Double {
        guard z > 5 else { return -Double.log(0.5 * Double.erfc(z / Double.sqrt(2))) }
        let square = z * z
        let series = 1 - 1 / square + 3 / (square * square) - 15 / (square * square * square)
        return square / 2 + Double.log(z) + 0.5 * Double.log(2 * Double.pi) - Double.log(series)
    }

    /// A standardised statistic with its skewness taken out (Wilson and Hilferty), by the real cube root.
    static func withoutSkewness(_ z: Double, skewness: Double) -> Double {
        guard abs(skewness) > 1e-6 else { return z }
        return 6 / skewness * (Double.root(skewness * z / 2 + 1, 3) - 1) + skewness / 6
    }
}
