import CanaryAnalysis
import RealModule
import Testing

@Suite struct ExactBinomialTests {
    /// R: binom.test(x, n)$conf.int.
    @Test(
        "intervals are those of Clopper and Pearson",
        arguments: [
            (0, 10, 0.0, 0.308_497_1), (1, 10, 0.002_528_58, 0.445_016_1), (5, 10, 0.187_086_0, 0.812_914_0),
            (10, 10, 0.691_502_9, 1.0), (10, 1_000, 0.004_805_5, 0.018_313_7),
        ])
    func interval(successes: Int, runs: Int, lower: Double, upper: Double) {
        let interval = ExactBinomial(successes, of: runs).interval()
        #expect(abs(interval.lowerBound - lower) < 1e-6)
        #expect(abs(interval.upperBound - upper) < 1e-6)
    }

    @Test("tails add up the probabilities", arguments: [(0, 7, 0.3), (2, 7, 0.3), (7, 7, 0.3), (3, 60, 0.01)])
    func tails(successes: Int, runs: Int, share: Double) {
        var atMost = 0.0
        var choices = 1.0
        for k in 0...successes {
            if k > 0 { choices *= Double(runs - k + 1) / Double(k) }
            atMost += choices * Double.pow(share, k) * Double.pow(1 - share, runs - k)
        }
        let binomial = ExactBinomial(successes, of: runs)
        #expect(abs(binomial.atMost(share) - atMost) < 1e-12)
        let own = choices * Double.pow(share, successes) * Double.pow(1 - share, runs - successes)
        #expect(abs(binomial.atLeast(share) - (1 - atMost + own)) < 1e-12)
    }
}
