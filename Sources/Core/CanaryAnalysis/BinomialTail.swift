import RealModule

/// The exact upper tail of a binomial distribution.
enum BinomialTail {
    /// The probability of at least `successes` of `trials`, each of them with a probability in 0...1.
    ///
    /// Only a small tail is summed to its end: beyond the mean it is said to be 1/2 at least, which decides nothing.
    ///
    /// - Complexity: some ten standard deviations of terms.
    static func probability(atLeast successes: Int, of trials: Int, chance: Double) -> Double {
        guard successes > 0, chance > 0 else { return successes > 0 ? 0 : 1 }
        guard successes <= trials else { return 0 }
        guard chance < 1, Double(successes) > Double(trials) * chance else { return 1 }
        var term = Double.exp(
            Double.logGamma(Double(trials) + 1) - Double.logGamma(Double(successes) + 1)
                - Double.logGamma(Double(trials - successes) + 1) + Double(successes) * Double.log(chance)
                + Double(trials - successes) * Double.log(onePlus: -chance))
        var sum = 0.0
        var count = successes
        while term > sum * 1e-17, count <= trials {
            sum += term
            term *= Double(trials - count) / Double(count + 1) * chance / (1 - chance)
            count += 1
        }
        return min(1, sum)
    }
}
