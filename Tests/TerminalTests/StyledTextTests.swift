import Testing

@testable import Terminal

@Suite struct StyledTextTests {
    private let colour = Palette(hasColour: true, hasUnicode: true)

    @Test(
        "a text is as wide as a terminal shows it",
        arguments: [
            ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("한글", 4), ("🚀", 2), ("a🚀b", 4), ("Ω", 1),
            ("\u{200B}", 0), ("👩‍💻", 2), ("─", 1), ("█", 1),
        ])
    func width(text: String, columns: Int) {
        #expect(text.columnWidth == columns)
        #expect(StyledText(text).width == columns)
    }

    @Test(
        "what moves the cursor or turns the writing around is shown as a question mark",
        arguments: [
            ("a\nb", "a?b"), ("a\tb", "a?b"), ("\u{1B}[31mred", "?[31mred"), ("a\rb", "a?b"), ("a\u{7}", "a?"),
            ("a\u{7F}", "a?"), ("a\u{9B}31m", "a?31m"), ("a\u{202E}b", "a?b"), ("a\u{2066}b", "a?b"),
            ("a\u{2028}b", "a?b"), ("a\r\nb", "a??b"),
        ])
    func control(text: String, shown: String) {
        #expect(StyledText(text).text == shown)
        #expect("\(StyledText(text).rendered(.plain))" == shown)
        let line: StyledText = "x \(text)"
        #expect(line.text == "x " + shown)
    }

    @Test("ordinary text of any language stays as it is", arguments: ["plain", "Größe 3 µs", "日本語", "👩‍💻", "עברית"])
    func untouched(text: String) {
        #expect(StyledText(text).text == text)
    }

    @Test("a style is written only where colour may be used")
    func rendered() {
        let line = StyledText("ok", .good) + " and " + StyledText("bad", .bad) + StyledText("", .strong)
        #expect(line.rendered(.plain) == "ok and bad")
        #expect(line.rendered(colour) == "\u{1B}[32mok\u{1B}[0m and \u{1B}[31mbad\u{1B}[0m")
        #expect(line.text == "ok and bad")
    }

    @Test(
        "a line is cut by columns, never in the middle of a wide character",
        arguments: [(0, ""), (1, "a"), (2, "a"), (3, "a漢"), (4, "a漢b"), (5, "a漢bc"), (9, "a漢bc"), (-1, "")])
    func cut(columns: Int, text: String) {
        let line = StyledText("a漢", .good) + StyledText("bc", .bad)
        let cut = line.prefix(columns: columns)
        #expect(cut.text == text)
        #expect(cut.width <= max(0, columns))
    }

    @Test("a cut line keeps its styles and ends them")
    func cutStyle() {
        #expect(StyledText("abcdef", .bad).prefix(columns: 3).rendered(colour) == "\u{1B}[31mabc\u{1B}[0m")
    }
}
