import Testing

@testable import CanaryAnalysis

@Suite struct NormalTailTests {
    /// Source: `-scipy.stats.norm.logsf(z)`, SciPy 1.
    @Test(
        "the tail is that of the normal distribution",
        arguments: [
            (-8.0, 6.220_960_574_271_786e-16), (-2, 0.023_012_909_328_963_49), (0, 0.693_147_180_559_945_3),
            (1.644_853_626_951_472_7, 2.995_732_273_553_991), (3, 6.607_726_221_510_343),
            (5, 15.064_998_393_988_725), (6, 20.736_768_949_974_71), (10, 53.231_285_150_512_46),
            (40, 804.608_442_013_753_8),
        ])
    func tail(z: Double, expected: Double) {
        // The asymptotic series beyond 5 is good to some 1e-5.
        #expect(abs(NormalTail.minusLogUpper(z) - expected) < 2e-4 * max(1, expected))
    }

    @Test("the tail never shrinks as z grows, across the switch at 5 too")
    func monotone() {
        let values = stride(from: -9.0, through: 50, by: 0.01).map(NormalTail.minusLogUpper)
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(values.allSatisfy { $0.isFinite && $0 >= 0 })
    }

    @Test("no skewness leaves a value alone, positive skewness pulls a large one in")
    func skewness() {
        #expect(NormalTail.withoutSkewness(2.5, skewness: 0) == 2.5)
        #expect(NormalTail.withoutSkewness(4, skewness: 1) < 4)
        #expect(NormalTail.withoutSkewness(4, skewness: -1) == 4)
    }

    @Test(
        "the order of values survives, below the point where the cube root turns negative too",
        arguments: [0.2, 1, 3, -2])
    func order(skewness: Double) {
        let values = stride(from: -10.0, through: 10, by: 0.1).map {
            NormalTail.withoutSkewness($0, skewness: skewness)
        }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
    }

    /// Source: tables of the normal distribution (Abramowitz and Stegun 26.2); the last by SciPy's `norm.ppf`.
    @Test(
        "quantiles are those of the tables",
        arguments: [(0.5, 0), (0.975, 1.959963985), (0.025, -1.959963985), (0.999, 3.090232306), (1e-9, -5.997807015)])
    func quantiles(share: Double, expected: Double) {
        #expect(abs(NormalTail.quantile(share) - expected) < 1e-8)
    }
}
