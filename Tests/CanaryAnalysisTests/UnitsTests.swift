import Testing

@testable import CanaryAnalysis

@Suite struct UnitsTests {
    private let units = Units(["b", nil, "a", "b", nil, "a", "b"])

    @Test("units are numbered by their first devices, and a device without a name is one of its own")
    func numbers() throws {
        let units = try #require(units)
        #expect(units.ofDevice == [0, 1, 2, 0, 3, 2, 0] && units.sizes == [3, 1, 2, 1] && units.count == 4)
        #expect(Units([nil, nil]) == nil && Units([]) == nil)
    }

    @Test("numbers are summed by unit, and what a unit has in common is told from what it has not")
    func sums() throws {
        let units = try #require(units)
        #expect(units.sums([1.0, 2, 3, 4, 5, 6, 7]) == [12, 2, 9, 5])
        #expect(units.sums([1, 2, 3, 4, 5, 6, 7] as ScoreRow) == [12, 2, 9, 5])
        #expect(units.firsts(["p", "q", "r", "x", "s", "x", "x"]) == ["p", "q", "r", "s"])
        #expect(units.common(["p", "q", "r", "p", "s", "x", "p"]) == ["p", "q", nil, "s"])
    }

    @Test(
        "so many units bring the wanted devices on average: at least one, all but one unless everyone is wanted",
        arguments: [
            (0, 96, 12, 0), (1, 96, 12, 1), (8, 96, 12, 1), (9, 96, 12, 2), (48, 96, 12, 6), (95, 96, 12, 11),
            (96, 96, 12, 12), (3, 7, 7, 3), (50, 100, 1, 1), (5, 0, 0, 0),
        ])
    func count(wanted: Int, devices: Int, units: Int, drawn: Int) {
        #expect(Units.count(bringing: wanted, of: devices, in: units) == drawn)
    }

    @Test("a recorded stratum that a unit is not wholly in, or has for itself, is none")
    func strata() throws {
        let units = try #require(Units(["a", "a", "b", "c", "c", "d", nil]))
        #expect(units.strata(["x", "x", "x", "y", "x", "z", "x"]) == ["x", "x", "x", "", "", "", "x"])
    }

    @Test("units are said with their label's noun")
    func words() {
        #expect(UnitCounts.words(12, by: "site", devices: 96) == "12 sites, 96 devices")
        #expect(UnitCounts.words(1, by: "site", devices: 1) == "1 site, 1 device")
        #expect(UnitCounts.words(3, by: "rack", devices: 9) == "3 units by rack, 9 devices")
        #expect(UnitCounts.words(3, by: "unit", devices: 9) == "3 units, 9 devices")
        #expect(UnitCounts.words(nil, by: nil, devices: 9) == "9 devices")
    }
}
