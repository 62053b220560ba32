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

    /// A standardised statistic with its positive skewness taken out (Wilson and Hilferty).
    ///
    /// A negative skewness is left: its upper tail is lighter than normal, so nothing is made of chance, while the
    /// transformation would end where the skewed distribution does, which real sums do not.
    static func withoutSkewness(_ z: Double, skewness: Double) -> Double {
        guard skewness > 1e-6 else { return z }
        return 6 / skewness * (Double.root(skewness * z / 2 + 1, 3) - 1) + skewness / 6
    }

    /// The quantile of the standard normal distribution at `share`, to 1e-9.
    ///
    /// Source: Acklam's rational approximation, 2003, with one step of Halley's method.
    static func quantile(_ share: Double) -> Double {
        let share = min(1 - 1e-16, max(1e-300, share))
        let start: Double
        if share < 0.02425 {
            start = tailQuantile(share)
        } else if share > 1 - 0.02425 {
            start = -tailQuantile(1 - share)
        } else {
            let centred = share - 0.5
            let square = centred * centred
            start =
                centred
                * polynomial(
                    square, -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690,
                    -30.66479806614716, 2.506628277459239)
                / polynomial(
                    square, -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972,
                    -13.28068155288572, 1)
        }
        let error = 0.5 * Double.erfc(-start / Double.sqrt(2)) - share
        let step = error * Double.sqrt(2 * Double.pi) * Double.exp(start * start / 2)
        return start - step / (1 + start * step / 2)
    }

    private static func tailQuantile(_ share: Double) -> Double {
        let root = Double.sqrt(-2 * Double.log(share))
        return polynomial(
            root, -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734,
            4.374664141464968, 2.938163982698783)
            / polynomial(root, 0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1)
    }

    private static func polynomial(_ x: Double, _ coefficients: Double...) -> Double {
        coefficients.reduce(0) { $0 * x + $1 }
    }
}
