import Testing

@testable import CanaryAnalysis

@Suite struct DeviceLedgerTests {
    private func entry(_ device: Int, _ count: Double, _ total: Double, ticks: Int = 1) -> DeviceLedger.Entry {
        DeviceLedger.Entry(device: device, count: count, total: total, ticks: ticks)
    }

    private func ledger(_ offsets: [Double], kind: MetricPlan.Kind = .share) -> DeviceLedger {
        DeviceLedger(kind: kind, offsets: offsets, keepsRecent: true)
    }

    @Test("expectations add up to the failures: a fleet-wide incident is nobody's harm")
    func incident() {
        var ledger = ledger([0.01, 0.02, 0.03])
        for level in [1.0, 10, 0] {
            ledger.add(
                [entry(0, 100, 1 * level), entry(1, 100, 2 * level), entry(2, 100, 3 * level)],
                counted: [true, true, true])
        }
        #expect(ledger.sinceStart.observed == [11, 22, 33])
        #expect(zip(ledger.sinceStart.scale, ledger.sinceStart.observed).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    @Test("what lies outside a device's window is not credited, and still shows the fleet's level")
    func window() {
        var ledger = ledger([0.01, 0.01])
        ledger.add([entry(0, 100, 4), entry(1, 100, 0)], counted: [false, true])
        #expect(ledger.sinceStart.observed == [0, 0])
        #expect(ledger.requests == [0, 100])
        #expect(abs(ledger.sinceStart.scale[1] - 2) < 1e-12)
    }

    @Test("a row after a gap is expected to have failed as the fleet did in its ticks")
    func gap() {
        var ledger = ledger([0.01, 0.01])
        ledger.add([entry(0, 100, 3)], counted: [true, true])
        ledger.add([entry(0, 100, 1), entry(1, 200, 4, ticks: 2)], counted: [true, true])
        // The factors are 3 in the first tick and (1 + 4/2) / (1 + 1) = 1.5 in the second.
        #expect(abs(ledger.sinceStart.scale[1] - 200 * 0.01 * 2.25) < 1e-12)
    }

    @Test("the short window forgets what is older than 20 ticks")
    func recent() {
        var ledger = ledger([0.1])
        ledger.add([entry(0, 10, 5)], counted: [true])
        for _ in 0..<19 { ledger.add([entry(0, 10, 1)], counted: [true]) }
        #expect(ledger.recent.observed == [24])
        for _ in 0..<30 { ledger.add([entry(0, 10, 1)], counted: [true]) }
        #expect(ledger.recent.observed == [20])
        #expect(ledger.sinceStart.observed == [54])
    }

    @Test("the short window of a watch moves on by blocks of twelve ticks")
    func recentByBlocks() {
        var ledger = DeviceLedger(kind: .share, offsets: [0.1], keepsRecent: true, blockTicks: 12)
        #expect(ledger.longestWindowTicks == 240)
        ledger.add([entry(0, 10, 5)], counted: [true])
        for _ in 1..<240 { ledger.add([entry(0, 10, 1)], counted: [true]) }
        #expect(ledger.recent.observed == [244])
        // The first block leaves whole as the twenty-first begins.
        ledger.add([entry(0, 10, 1)], counted: [true])
        #expect(ledger.recent.observed == [229])
        for _ in 0..<11 { ledger.add([entry(0, 10, 1)], counted: [true]) }
        #expect(ledger.recent.observed == [240])
        for _ in 0..<240 { ledger.add([entry(0, 0, 0)], counted: [true]) }
        #expect(ledger.recent.observed == [0])
        #expect(abs(ledger.recent.scale[0]) < 1e-12)
    }

    @Test(
        "counts of every size, and numbers that are not whole, leave the short window as they entered",
        arguments: [1, 12])
    func widths(blockTicks: Int) {
        var ledger = DeviceLedger(kind: .mean, offsets: [0, 0], keepsRecent: true, blockTicks: blockTicks)
        // Its own place in the ring for each width, and in blocks a sum of all of them.
        for count in [3, 255, 256, 65_535, 65_536, 0.5, 200, 100, 7, 1, 2, 4] {
            ledger.add([entry(0, count, count * 2), entry(1, count, -count * 2)], counted: [true, true])
        }
        #expect(ledger.recent.scale == [131_899.5, 131_899.5])
        #expect(ledger.recent.observed == [263_799, -263_799])
        for _ in 0..<(20 * blockTicks) { ledger.add([], counted: [true, true]) }
        #expect(ledger.recent.scale == [0, 0] && ledger.recent.observed == [0, 0])
    }

    @Test("no requests and no failures expect nothing")
    func nothing() {
        var ledger = ledger([0.1, 0.1])
        ledger.add([], counted: [true, true])
        ledger.add([entry(0, 0, 0)], counted: [true, true])
        #expect(ledger.sinceStart.scale == [0, 0])
    }

    @Test("a mean is kept as its deviation from history and from how far the whole list strayed")
    func means() {
        var ledger = ledger([0.8, 0.6], kind: .mean)
        // Both are a tenth below their history, so nobody strays.
        ledger.add([entry(0, 10, 7), entry(1, 30, 15)], counted: [true, true])
        #expect(ledger.sinceStart.observed.allSatisfy { abs($0) < 1e-12 })
        // Now only the first is: 10 x -0.1 of 40 requests is a drift of -0.025.
        ledger.add([entry(0, 10, 7), entry(1, 30, 18)], counted: [true, true])
        #expect(abs(ledger.sinceStart.observed[0] - -0.75) < 1e-12)
        #expect(abs(ledger.sinceStart.observed[1] - 0.75) < 1e-12)
        #expect(ledger.sinceStart.scale == [20, 60])
        #expect(abs(ledger.recent.observed[0] - -0.75) < 1e-6)
    }
}
