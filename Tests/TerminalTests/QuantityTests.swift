import Testing

@testable import Terminal

@Suite struct QuantityTests {
    @Test(
        "bytes have binary units and about three figures",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (102_400, "100 KiB"),
            (1_048_575, "1.0 MiB"), (1 << 20, "1.0 MiB"), (12_900_000, "12.3 MiB"), (1 << 30, "1.0 GiB"),
            (1 << 40, "1.0 TiB"), (UInt64.max, "16777216 TiB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test(
        "a span of time has its two largest units",
        arguments: [
            (0, "0s"), (59.9, "59s"), (60, "1m00s"), (192, "3m12s"), (3599, "59m59s"), (3600, "1h00m"),
            (86_399, "23h59m"), (86_400, "1d00h"), (200_000, "2d07h"), (-5, "0s"), (.infinity, "forever"),
            (.nan, "forever"), (1e12, "forever"),
        ] as [(Double, String)])
    func duration(seconds: Double, text: String) {
        #expect(Quantity.duration(seconds: seconds) == text)
    }

    @Test(
        "a number has exactly so many digits",
        arguments: [
            (1.005, 1, "1.0"), (2.345, 2, "2.35"), (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (-1.25, 1, "-1.3"),
            (12, 0, "12"), (0.999, 2, "1.00"), (3.5, 0, "4"), (1_234_567.891, 2, "1234567.89"), (.infinity, 2, "inf"),
            (-.infinity, 2, "-inf"), (.nan, 2, "-"), (0.007, 3, "0.007"),
        ] as [(Double, Int, String)])
    func decimal(value: Double, digits: Int, text: String) {
        #expect(Quantity.decimal(value, digits: digits) == text)
    }

    @Test("a number too large for its digits is still written")
    func huge() {
        #expect(Quantity.decimal(1e300, digits: 2) == "1e+300")
    }

    @Test("a share is written in percent", arguments: [(0, "0.00 %"), (0.0241, "2.41 %"), (1, "100.00 %")])
    func percent(share: Double, text: String) {
        #expect(Quantity.percent(share) == text)
    }
}
