import FleetSimulation
import RealModule
import Testing

/// Moments of what is drawn, within four standard errors.
@Suite struct ChanceTests {
    struct Drawn: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let mean: Double
        let variance: Double
        /// The excess of the fourth moment: 0 for a normal distribution.
        var excess = 0.0
        let draw: @Sendable (inout Chance) -> Double
    }

    static let distributions: [Drawn] = [
        Drawn(testDescription: "normal", mean: 0, variance: 1) { $0.normal() },
        Drawn(testDescription: "exponential, mean 3", mean: 3, variance: 9, excess: 6) { $0.exponential(mean: 3) },
        Drawn(
            testDescription: "lognormal, sigma 0.5", mean: 1, variance: Double.exp(0.25) - 1, excess: 6
        ) { $0.lognormal(sigma: 0.5) },
        Drawn(testDescription: "gamma, shape 2.5", mean: 2.5, variance: 2.5, excess: 2.4) { $0.gamma(shape: 2.5) },
        Drawn(testDescription: "gamma, shape 0.2", mean: 0.2, variance: 0.2, excess: 30) { $0.gamma(shape: 0.2) },
        Drawn(
            testDescription: "beta(1, 99)", mean: 0.01, variance: 99 / (10_000 * 101.0), excess: 6
        ) { $0.beta(1, 99) },
        Drawn(
            testDescription: "beta(0.2, 19.8)", mean: 0.01, variance: 0.2 * 19.8 / (400 * 21.0), excess: 35
        ) { $0.beta(0.2, 19.8) },
        Drawn(testDescription: "Poisson, mean 0.3", mean: 0.3, variance: 0.3, excess: 1 / 0.3) {
            Double($0.poisson(mean: 0.3))
        },
        Drawn(testDescription: "Poisson, mean 10", mean: 10, variance: 10, excess: 0.1) {
            Double($0.poisson(mean: 10))
        },
        Drawn(testDescription: "Poisson, mean 28,800", mean: 28_800, variance: 28_800) {
            Double($0.poisson(mean: 28_800))
        },
        Drawn(testDescription: "binomial, 10 at 1 %", mean: 0.1, variance: 0.099, excess: 10) {
            Double($0.binomial(10, rate: 0.01))
        },
        Drawn(testDescription: "binomial, 28,800 at 1 %", mean: 288, variance: 285.12) {
            Double($0.binomial(28_800, rate: 0.01))
        },
        Drawn(testDescription: "binomial, 200 at 70 %", mean: 140, variance: 42) {
            Double($0.binomial(200, rate: 0.7))
        },
    ]

    @Test("mean and variance are those of the distribution", arguments: distributions)
    func moments(drawn: Drawn) {
        var chance = Chance(seed: 17, stream: 3)
        let count = 40_000
        let values = (0..<count).map { _ in drawn.draw(&chance) }
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        let ofMean = Double.sqrt(drawn.variance / Double(count))
        // Var(s²) = σ⁴ (2 + excess) / n.
        let ofVariance = drawn.variance * Double.sqrt((2 + drawn.excess) / Double(count))
        #expect(abs(mean - drawn.mean) < 4 * ofMean)
        #expect(abs(variance - drawn.variance) < 4 * ofVariance)
    }

    @Test("a Poisson count has the probabilities of its formula")
    func poissonProbabilities() {
        var chance = Chance(seed: 5, stream: 1)
        let count = 50_000
        var seen = [Int](repeating: 0, count: 40)
        for _ in 0..<count { seen[min(39, chance.poisson(mean: 4))] += 1 }
        var probability = Double.exp(-4)
        for value in 0..<12 {
            if value > 0 { probability *= 4 / Double(value) }
            let strayed = Double(seen[value]) - probability * Double(count)
            #expect(abs(strayed) < 4 * Double.sqrt(Double(count) * probability * (1 - probability)))
        }
    }

    @Test("impossible and certain events are never and always drawn")
    func edges() {
        var chance = Chance(seed: 1, stream: 1)
        #expect(chance.binomial(10, rate: 0) == 0)
        #expect(chance.binomial(10, rate: 1) == 10)
        #expect(chance.binomial(0, rate: 0.5) == 0)
        #expect(chance.poisson(mean: 0) == 0)
    }
}
