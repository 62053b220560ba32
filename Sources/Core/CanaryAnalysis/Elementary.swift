/// Logarithm, exponential and roots in plain Swift, so that every machine computes the same bits.
///
/// A C library's versions differ in the last digits between machines; decisions must be recomputed exactly.
/// Source: the algorithms and coefficients of fdlibm (Sun Microsystems, `e_log.c`, `e_exp.c`); error below 1 ulp.
enum Elementary {
    private static let ln2High = 6.931_471_803_691_238_164_90e-01
    private static let ln2Low = 1.908_214_929_270_587_700_02e-10
    private static let logCoefficients = (
        6.666_666_666_666_735_130e-01, 3.999_999_999_940_941_908e-01, 2.857_142_874_366_239_149e-01,
        2.222_219_843_214_978_396e-01, 1.818_357_216_161_805_012e-01, 1.531_383_769_920_937_332e-01,
        1.479_819_860_511_658_591e-01
    )
    private static let expCoefficients = (
        1.666_666_666_666_660_190_37e-01, -2.777_777_777_701_559_338_42e-03, 6.613_756_321_437_934_361_17e-05,
        -1.653_390_220_546_525_153_90e-06, 4.138_136_797_057_238_460_39e-08
    )

    /// The natural logarithm; minus infinity at 0, not a number below.
    static func ln(_ x: Double) -> Double {
        guard x > 0 else { return x == 0 ? -.infinity : .nan }
        guard x.isFinite else { return x }
        var exponent = Double(x.exponent)
        var significand = x.significand
        if significand > 1.414_213_562_373_095_1 {
            significand /= 2
            exponent += 1
        }
        let f = significand - 1
        let s = f / (2 + f)
        let z = s * s
        let c = logCoefficients
        let r = z * (c.0 + z * (c.1 + z * (c.2 + z * (c.3 + z * (c.4 + z * (c.5 + z * c.6))))))
        let half = 0.5 * f * f
        return exponent * ln2High - ((half - (s * (half + r) + exponent * ln2Low)) - f)
    }

    /// The exponential; 0 or infinity where the result leaves the range of `Double`.
    static func exp(_ x: Double) -> Double {
        guard !x.isNaN else { return x }
        guard x < 709.7 else { return .infinity }
        guard x > -745 else { return 0 }
        let k = (x / 0.693_147_180_559_945_3).rounded()
        let high = x - k * ln2High
        let low = k * ln2Low
        let r = high - low
        let t = r * r
        let p = expCoefficients
        let c = r - t * (p.0 + t * (p.1 + t * (p.2 + t * (p.3 + t * p.4))))
        let y = 1 - ((low - (r * c) / (2 - c)) - high)
        return Double(sign: .plus, exponent: Int(k), significand: y)
    }

    /// `ln(1 + x)`, exact for small `x` too.
    static func log1p(_ x: Double) -> Double {
        let sum = 1 + x
        return sum == 1 ? x : ln(sum) * (x / (sum - 1))
    }

    /// The real cube root.
    static func cubeRoot(_ x: Double) -> Double {
        guard x != 0, x.isFinite else { return x }
        let size = x.magnitude
        let start = exp(ln(size) / 3)
        let root = start - (start * start * start - size) / (3 * start * start)
        return x < 0 ? -root : root
    }
}
