import Testing

@testable import CanaryAnalysis

@Suite struct ScoresTests {
    @Test("scores are centred at the expectation and grow with the failures")
    func weighted() {
        let row = Scores(observed: [0, 5, 10, 20], expected: [10, 10, 10, 10]).weighted()
        #expect(row[2] == 0)
        #expect(row[0] < row[1] && row[1] < row[2] && row[2] < row[3])
    }

    @Test("devices that stray no more than chance have the least spread")
    func spread() {
        #expect(Scores(observed: [9, 11, 10, 10], expected: [10, 10, 10, 10]).spread == 1e-3)
        // (O - E)^2 - E: 90, 90, -10, -10 over 400.
        #expect(abs(Scores(observed: [0, 20, 10, 10], expected: [10, 10, 10, 10]).spread - 0.4) < 1e-12)
    }

    @Test("one wild device of fifty does not make the others look alike")
    func robust() {
        let observed = [1_000.0] + [Double](repeating: 10, count: 49)
        #expect(Scores(observed: observed, expected: [Double](repeating: 10, count: 50)).spread == 1e-3)
    }

    /// Source: `l(r) = O ln r + (O + k) [log1p(E / k) - log1p(r E / k)]` by Python's `math`, k = 1 / 0.001.
    @Test(
        "likelihoods follow their formula",
        arguments: [(0, 1.5, -1.333540202), (1, 1.5, -0.532486549), (0, 3.0, -9.897437033)])
    func likelihood(index: Int, ratio: Double, expected: Double) {
        let scores = Scores(observed: [9, 11, 10, 10], expected: [10, 10, 10, 10])
        #expect(abs(scores.logLikelihood(index, ratio: ratio) - expected) < 1e-8)
    }

    @Test("likelihoods are capped above, and below where asked")
    func capped() {
        let observed = [60.0] + [Double](repeating: 3, count: 49)
        let scores = Scores(observed: observed, expected: [Double](repeating: 3, count: 50))
        #expect(scores.likelihood(ratio: 1.5)[0] == Scores.fixed(Scores.cap))
        #expect(scores.likelihood(ratio: 0.5)[0] < Scores.fixed(-Scores.cap))
        #expect(scores.likelihood(ratio: 0.5, isClippedBelow: true)[0] == Scores.fixed(-Scores.cap))
    }

    @Test("sums of scores do not depend on their order")
    func exact() {
        let row = Scores(observed: [0.1, 0.7, 3, 11, 0.3], expected: [1, 2, 3, 4, 5]).weighted()
        #expect(row.reduce(0, +) == row.reversed().reduce(0, +))
        #expect(Scores.fixed(1) == 1 << 32)
    }
}
