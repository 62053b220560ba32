import Testing

@testable import Terminal

@Suite struct TableTests {
    private func text(_ table: Table) -> [String] { table.lines().map(\.text) }

    @Test("columns are as wide as their widest cell, wide characters counted as shown")
    func widths() {
        var table = Table("NAME", "STATE")
        table.add(["berlin-1", "online"])
        table.add(["東京", "offline"])
        #expect(text(table) == ["NAME       STATE", "berlin-1   online", "東京       offline"])
    }

    @Test("numbers stand right")
    func right() {
        var table = Table([.init("N", .right), .init("WORD")])
        table.add(["1", "one"])
        table.add(["1000", "many"])
        #expect(text(table) == ["   N   WORD", "   1   one", "1000   many"])
    }

    @Test("missing cells are empty and surplus ones are dropped; no line ends with a space")
    func ragged() {
        var table = Table("A", "B", "C")
        table.add(["1"])
        table.add(["1", "", "3", "4"])
        table.add(["", "", ""])
        #expect(text(table) == ["A   B   C", "1", "1       3", ""])
        #expect(text(table).allSatisfy { !$0.hasSuffix(" ") })
    }

    @Test("a cell with control characters cannot break the table")
    func control() {
        var table = Table("A", "B")
        table.add([StyledText("x\ny"), "z"])
        #expect(text(table) == ["A     B", "x?y   z"])
    }

    @Test("a table without rows has its headings and says that it is empty")
    func empty() {
        var table = Table("A")
        #expect(table.isEmpty)
        #expect(text(table) == ["A"])
        table.add(["1"])
        #expect(!table.isEmpty)
    }

    @Test("headings are strong")
    func headings() {
        let palette = Palette(hasColour: true, hasUnicode: true)
        #expect(Table("A").lines().first?.rendered(palette) == "\u{1B}[1mA\u{1B}[0m")
    }
}
