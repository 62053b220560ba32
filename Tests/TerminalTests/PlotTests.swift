import Testing

@testable import Terminal

@Suite struct PlotTests {
    private static let unicode = Palette(hasColour: false, hasUnicode: true)

    private func plot(columns: Int = 18, height: Int = 4, palette: Palette = unicode) -> Plot {
        Plot(columns: columns, height: height, palette: palette) { Quantity.decimal($0, digits: 0) }
    }

    @Test("bars fill from below, the bound stands where no bar reaches it")
    func bars() {
        let lines = plot().bars([0, 2, 4, 8], bound: [nil, 6, 6, 6]).map(\.text)
        #expect(lines == ["        8   ────┿┿", "        6       ██", "              ████", "        2   ██████"])
    }

    @Test("without symbols beyond ASCII, bars are whole")
    func ascii() {
        let lines = plot(palette: .plain).bars([4, 8], bound: [8, nil]).map(\.text)
        #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 < 128 } })
        #expect(lines.last?.hasSuffix("########") == true && lines.first?.contains("-") == true)
    }

    @Test("what is above its bound is painted as bad, or as good where that is wanted")
    func colours() {
        let palette = Palette(hasColour: true, hasUnicode: true)
        let plot = plot(height: 2, palette: palette)
        #expect(plot.bars([8], bound: [3])[0].rendered(palette).contains("\u{1B}[31m"))
        #expect(plot.bars([8], bound: [3], isGood: true)[0].rendered(palette).contains("\u{1B}[32m"))
        #expect(!plot.bars([4], bound: [8])[1].rendered(palette).contains("\u{1B}[31m"))
    }

    @Test("many values fit into the columns, and the largest of a column is drawn")
    func many() {
        var values = [Double](repeating: 0, count: 1_000)
        values[500] = 10
        let lines = plot(columns: 40).bars(values, bound: values.map { _ in nil })
        #expect(lines.allSatisfy { $0.width <= 40 })
        #expect(lines[0].text.filter { $0 == "█" }.count == 1)
    }

    @Test("a range is drawn around its value, open ends reach the edge, no effect is marked")
    func ranges() {
        let lines = plot(columns: 18, height: 5).ranges(
            [0, 2], lower: [-1, nil], upper: [1, 3], reference: 0, scale: .linear
        ).map { String($0.text.dropFirst(10)) }
        #expect(lines == ["    ││││", "    ●●●●", "││││││││", "●●●●││││", "││││││││"])
    }

    @Test("nothing is drawn of nothing, and no number that is none", arguments: [[], [0.0, 0]])
    func nothing(values: [Double]) {
        #expect(plot().bars(values, bound: values.map { _ in nil }).isEmpty)
        #expect(
            plot().ranges(values, lower: values.map { _ in nil }, upper: [], reference: 0, scale: .linear).isEmpty)
    }

    @Test("an effect that is infinite or none leaves its column to the others")
    func notFinite() {
        let lines = plot().ranges(
            [.nan, 2, .infinity], lower: [nil, 1, nil], upper: [nil, 4, nil], reference: 1, scale: .logarithmic)
        #expect(lines.count == 4 && lines.allSatisfy { $0.width <= 18 })
    }
}
