import Testing

@testable import CanaryAnalysis

@Suite struct HistoryOffsetTests {
    private func rates(_ pairs: [(requests: Double, failures: Double)]) -> [Double] {
        HistoryOffset(
            pairs.map { Tally(count: $0.requests, total: $0.failures) }, kind: .share,
            strata: [Int](repeating: 0, count: pairs.count)
        ).offsets
    }

    @Test("devices alike are expected to fail alike, however their luck was")
    func homogeneous() {
        let rates = rates([(1_000, 30), (1_000, 32), (1_000, 28), (1_000, 31)])
        // 121 failures and a half of 4,001 requests.
        #expect(rates.allSatisfy { abs($0 - 121.5 / 4_001) < 1e-5 }, "\(rates)")
    }

    @Test("a device with a long history of its own keeps it")
    func heterogeneous() {
        let rates = rates([(100_000, 1_000), (100_000, 5_000), (100_000, 3_000)])
        #expect(abs(rates[0] - 0.01) < 1e-3 && abs(rates[1] - 0.05) < 1e-3 && abs(rates[2] - 0.03) < 1e-3)
    }

    @Test("a device without history is expected to be like the others")
    func unknown() {
        let rates = rates([(1_000, 30), (1_000, 30), (0, 0)])
        #expect(abs(rates[2] - 0.03) < 1e-3)
    }

    @Test(
        "the few requests of one device set it apart from those without any no more than they can tell",
        arguments: [(6.0, 0.0), (6, 1), (1, 0)])
    func thin(requests: Double, failures: Double) {
        let rates = rates([(requests, failures), (0, 0), (0, 0), (0, 0)])
        #expect(rates.allSatisfy { abs($0 - rates[0]) < 0.01 * rates[0] }, "\(rates)")
    }

    @Test("a stratum with few requests is expected to be like the list")
    func thinStratum() {
        let history = [Tally(count: 10_000, total: 300), Tally(count: 10_000, total: 310), Tally(count: 3), Tally()]
        let offsets = HistoryOffset(history, kind: .share, strata: [0, 0, 1, 1]).offsets
        #expect(offsets.allSatisfy { abs($0 - 0.03) < 1e-3 }, "\(offsets)")
    }

    @Test(
        "every rate lies above 0 and at most 1, whatever the history",
        arguments: [
            [(0.0, 0.0), (0, 0)], [(1_000, 0), (1_000, 0)], [(10, 10), (10, 10)], [(5, 0)], [(1, 1), (1e9, 0)],
        ])
    func extremes(pairs: [(Double, Double)]) {
        #expect(rates(pairs).allSatisfy { $0 > 0 && $0 <= 1 })
    }

    @Test("a device without history is expected to be like its stratum where that has any")
    func stratum() {
        let history = [
            Tally(count: 10_000, total: 100), Tally(), Tally(count: 10_000, total: 900), Tally(), Tally(),
        ]
        let offsets = HistoryOffset(history, kind: .share, strata: [0, 0, 1, 1, 2]).offsets
        #expect(abs(offsets[1] - 0.01) < 1e-3 && abs(offsets[3] - 0.09) < 1e-3 && abs(offsets[4] - 0.05) < 1e-3)
    }

    @Test("a mean's offset is the device's own mean, else its stratum's, else that of all")
    func means() {
        let history = [Tally(count: 4, total: 2), Tally(), Tally(count: 1, total: -3), Tally()]
        #expect(HistoryOffset(history, kind: .mean, strata: [0, 0, 1, 2]).offsets == [0.5, 0.5, -3, -0.2])
        #expect(HistoryOffset([Tally()], kind: .mean, strata: [0]).offsets == [0])
    }

    /// Ten devices with a short history and ten with a long one, every other one above 5 and below it.
    private func means(short: Double, long: Double) -> [Double] {
        let history = (0..<20).map { index in
            let (count, distance) = index < 10 ? (4.0, short) : (100, long)
            return Tally(count: count, total: count * (5 + (index.isMultiple(of: 2) ? distance : -distance)))
        }
        return HistoryOffset(history, kind: .mean, strata: [Int](repeating: 0, count: 20)).offsets
    }

    @Test("a short history of a mean is drawn towards the list's, as far as long ones differ less than short ones")
    func thinMeans() {
        // Squares 1 and 0.36 on average, 1/count 0.25 and 0.01: 8/3 inside devices and 1/3 between, which is 8 samples.
        let offsets = means(short: 1, long: 0.6)
        #expect(abs(offsets[0] - (5 + 4.0 / 12)) < 1e-12 && abs(offsets[1] - (5 - 4.0 / 12)) < 1e-12)
        #expect(abs(offsets[10] - (5 + 0.6 * 100 / 108)) < 1e-12)
    }

    @Test("devices that do not differ are drawn together, with at most the weight of a middling history")
    func likeMeans() {
        let offsets = means(short: 1, long: 0)
        #expect(abs(offsets[0] - (5 + 4.0 / 104)) < 1e-12 && offsets[10] == 5)
    }

    @Test("where short histories differ no more than long ones, all are kept as they are")
    func differingMeans() {
        let offsets = means(short: 0.5, long: 0.5)
        #expect(offsets[0] == 5.5 && offsets[1] == 4.5 && offsets[10] == 5.5)
    }
}
