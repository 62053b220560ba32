import Testing

@testable import CanaryAnalysis

@Suite struct CountLedgerTests {
    private func entry(_ device: Int, _ requests: Double, _ failures: Double, ticks: Int = 1) -> CountLedger.Entry {
        CountLedger.Entry(device: device, requests: requests, failures: failures, ticks: ticks)
    }

    private func sum(_ values: [Double]) -> Double { values.reduce(0, +) }

    @Test("expectations add up to the failures: a fleet-wide incident is nobody's harm")
    func incident() {
        var ledger = CountLedger(rates: [0.01, 0.02, 0.03])
        for level in [1.0, 10, 0] {
            ledger.add([entry(0, 100, 1 * level), entry(1, 100, 2 * level), entry(2, 100, 3 * level)]) { _ in true }
        }
        #expect(ledger.observed == [11, 22, 33])
        #expect(zip(ledger.expected, ledger.observed).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    @Test("counts outside a device's window are not credited, and still show the fleet's level")
    func window() {
        var ledger = CountLedger(rates: [0.01, 0.01])
        ledger.add([entry(0, 100, 4), entry(1, 100, 0)]) { $0 == 1 }
        #expect(ledger.observed == [0, 0])
        #expect(ledger.requests == [0, 100])
        #expect(abs(ledger.expected[1] - 2) < 1e-12)
    }

    @Test("a row after a gap is expected to have failed as the fleet did in its ticks")
    func gap() {
        var ledger = CountLedger(rates: [0.01, 0.01])
        ledger.add([entry(0, 100, 3)]) { _ in true }
        ledger.add([entry(0, 100, 1), entry(1, 200, 4, ticks: 2)]) { _ in true }
        // The factors are 3 in the first tick and (1 + 4/2) / (1 + 1) = 1.5 in the second.
        #expect(abs(ledger.expected[1] - 200 * 0.01 * 2.25) < 1e-12)
    }

    @Test("the short window forgets what is older than 20 ticks")
    func recent() {
        var ledger = CountLedger(rates: [0.1])
        ledger.add([entry(0, 10, 5)]) { _ in true }
        for _ in 0..<19 { ledger.add([entry(0, 10, 1)]) { _ in true } }
        #expect(ledger.recent().observed == [24])
        ledger.add([entry(0, 10, 1)]) { _ in true }
        #expect(ledger.recent().observed == [20])
        #expect(ledger.observed == [25])
    }

    @Test("no requests and no failures expect nothing")
    func nothing() {
        var ledger = CountLedger(rates: [0.1, 0.1])
        ledger.add([]) { _ in true }
        ledger.add([entry(0, 0, 0)]) { _ in true }
        #expect(ledger.expected == [0, 0])
    }
}
