/// The upper tail of the normal distribution as evidence.
enum NormalTail {
    private static let halfLogTwoPi = 0.918_938_533_204_672_8

    /// `-ln(1 - Phi(z))`: 0.69 at the mean, 6.9 for one in a thousand; grows with `z` without limit or overflow.
    ///
    /// From 2 on by Laplace's continued fraction, which needs no switch to an asymptotic series; below by the series of
    /// the distribution function. Source: Abramowitz and Stegun, 26.2.11 and 26.2.14.
    static func evidence(_ z: Double) -> Double {
        if z >= 2 { return z * z / 2 + halfLogTwoPi + Elementary.ln(continuedFraction(z)) }
        if z <= -2 { return -Elementary.log1p(-Elementary.exp(-evidence(-z))) }
        return -Elementary.ln(0.5 - centralArea(z))
    }

    /// `z + 1/(z + 2/(z + 3/(z + ...)))`: the density divided by the tail.
    private static func continuedFraction(_ z: Double) -> Double {
        var fraction = z
        var term = z > 8 ? 30.0 : 150.0
        while term > 0 {
            fraction = z + term / fraction
            term -= 1
        }
        return fraction
    }

    /// The area between 0 and `z`, for `z` in -2...2.
    private static func centralArea(_ z: Double) -> Double {
        var term = z
        var sum = z
        var odd = 1.0
        while term.magnitude > 1e-18 {
            odd += 2
            term *= z * z / odd
            sum += term
        }
        return sum * Elementary.exp(-z * z / 2 - halfLogTwoPi)
    }
}
