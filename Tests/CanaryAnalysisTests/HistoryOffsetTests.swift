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
}
