import Testing

@testable import CanaryAnalysis

@Suite struct ScoresTests {
    @Test("scores are centred at the expectation and grow with the failures")
    func weighted() {
        let row = CountScores(observed: [0, 5, 10, 20], expected: [10, 10, 10, 10]).weighted()
        #expect(row[2] == 0)
        #expect(row[0] < row[1] && row[1] < row[2] && row[2] < row[3])
    }

    @Test("devices that stray no more than chance have the least spread")
    func spread() {
        #expect(CountScores(observed: [9, 11, 10, 10], expected: [10, 10, 10, 10]).spread == 1e-3)
        // (O - E)^2 - E: 90, 90, -10, -10 over 400.
        #expect(abs(CountScores(observed: [0, 20, 10, 10], expected: [10, 10, 10, 10]).spread - 0.4) < 1e-12)
    }

    @Test("one wild device of fifty does not make the others look alike")
    func robust() {
        let observed = [1_000.0] + [Double](repeating: 10, count: 49)
        #expect(CountScores(observed: observed, expected: [Double](repeating: 10, count: 50)).spread == 1e-3)
    }

    /// Source: `l(r) = O ln r + (O + k) [log1p(E / k) - log1p(r E / k)]` by Python's `math`, k = 1 / 0.001.
    @Test(
        "likelihoods follow their formula",
        arguments: [(0, 1.5, -1.333540202), (1, 1.5, -0.532486549), (0, 3.0, -9.897437033)])
    func likelihood(index: Int, ratio: Double, expected: Double) {
        let scores = CountScores(observed: [9, 11, 10, 10], expected: [10, 10, 10, 10])
        #expect(abs(scores.logLikelihood(index, ratio: ratio) - expected) < 1e-8)
    }

    @Test("likelihoods are capped above, and below where asked")
    func capped() {
        let observed = [60.0] + [Double](repeating: 3, count: 49)
        let scores = CountScores(observed: observed, expected: [Double](repeating: 3, count: 50))
        #expect(scores.likelihood(ratio: 1.5)[0] == Scores.fixed(Scores.cap))
        #expect(scores.likelihood(ratio: 0.5)[0] < Scores.fixed(-Scores.cap))
        #expect(scores.likelihood(ratio: 0.5, isClippedBelow: true)[0] == Scores.fixed(-Scores.cap))
    }

    @Test("sums of scores do not depend on their order, and no score can make them overflow")
    func exact() {
        let observed: [Double] = [0.1, 0.7, 3, 11, 0.3]
        let row = CountScores(observed: observed, expected: [1, 2, 3, 4, 5]).weighted()
        #expect(row.reduce(0, +) == row.reversed().reduce(0, +))
        #expect(Scores.fixed(1) == 1 << 32)
        #expect(Scores.fixed(.infinity) == Scores.fixed(1e9))
    }

    // MARK: - Means

    /// A ledger of means in which each device has 10 requests at each of ten ticks.
    private func means(_ value: (_ device: Int, _ tick: Int) -> Double, devices: Int) -> DeviceLedger {
        var ledger = DeviceLedger(
            kind: .mean, offsets: [Double](repeating: 0, count: devices), keepsRecent: false)
        for tick in 0..<10 {
            ledger.add(
                (0..<devices).map { device in
                    DeviceLedger.Entry(device: device, count: 10, total: 10 * value(device, tick), ticks: 1)
                }, counted: [Bool](repeating: true, count: devices))
        }
        return ledger
    }

    @Test("means score by how far their device strays from all others, whatever the unit")
    func meanUnits() {
        func row(_ unit: Double) -> ScoreRow {
            let ledger = means({ device, tick in unit * (Double(device % 7) + 0.1 * Double(tick % 2)) }, devices: 50)
            return Scores.weighted(ledger.sinceStart, of: ledger)
        }
        let small = row(1e-3)
        let large = row(1e9)
        #expect(zip(small, large).allSatisfy { abs($0 - $1) < 1 << 10 })
        #expect(abs(small.reduce(0, +)) < 1 << 20)
        #expect(small[6] > small[3] && small[3] > small[0])
    }

    @Test("means that are the same everywhere, and no means at all, have no scores")
    func constant() {
        let same = means({ _, _ in 5 }, devices: 20)
        #expect(Scores.weighted(same.sinceStart, of: same).allSatisfy { $0 == 0 })
        let none = DeviceLedger(kind: .mean, offsets: [0, 0, 0], keepsRecent: false)
        #expect(Scores.weighted(none.sinceStart, of: none) == [0, 0, 0])
    }

    @Test("one wild mean is clipped")
    func clipped() {
        let ledger = means({ device, _ in device == 0 ? 1_000 : Double(device % 3) }, devices: 100)
        let row = Scores.capped(ledger.sinceStart, of: ledger)
        let plain = Scores.weighted(ledger.sinceStart, of: ledger)
        #expect(plain[0] > 100 * plain[2])
        #expect(row[0] < 4 * row[2])
    }
}
