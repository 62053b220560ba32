import Testing

@testable import CanaryAnalysis

@Suite struct BinomialTailTests {
    /// From SciPy's `binom.sf(k - 1, n, p)`; the first two are exact fractions.
    @Test(
        "the tail agrees with an independent implementation",
        arguments: [
            (5, 10, 0.2, 0.032_793_497_6), (3, 3, 0.5, 0.125), (30, 1000, 0.01, 2.059_988_850_971_9e-7),
            (700, 1_000_000, 0.0006, 3.673_062_890_66e-5),
        ])
    func vectors(successes: Int, trials: Int, chance: Double, tail: Double) {
        let found = BinomialTail.probability(atLeast: successes, of: trials, chance: chance)
        #expect(abs(found - tail) < 1e-6 * tail)
    }

    @Test("none is always reached, more than there are never, and below the mean nothing is claimed")
    func edges() {
        #expect(BinomialTail.probability(atLeast: 0, of: 5, chance: 0.1) == 1)
        #expect(BinomialTail.probability(atLeast: 6, of: 5, chance: 0.1) == 0)
        #expect(BinomialTail.probability(atLeast: 1, of: 5, chance: 0) == 0)
        #expect(BinomialTail.probability(atLeast: 5, of: 5, chance: 1) == 1)
        #expect(BinomialTail.probability(atLeast: 2, of: 10, chance: 0.5) == 1)
    }
}
