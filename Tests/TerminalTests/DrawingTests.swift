import Testing

@testable import Terminal

@Suite struct BarTests {
    @Test(
        "a bar shows how much of its bound is reached, and no more than all",
        arguments: [
            (0, 10, "....."), (2, 10, "#...."), (9.9, 10, "####."), (10, 10, "#####"), (99, 10, "#####"),
            (-1, 10, "....."),
            (1, 0, "....."), (1, -1, "....."), (.nan, 10, "....."), (.infinity, 10, "....."), (1, .infinity, "....."),
        ] as [(Double, Double, String)])
    func filled(value: Double, bound: Double, bar: String) {
        #expect(Bar.filled(value, of: bound, width: 5, palette: .plain) == bar)
    }

    @Test("beyond ASCII it is drawn with blocks, as wide")
    func unicode() {
        let palette = Palette(hasColour: false, hasUnicode: true)
        let bar = Bar.filled(1, of: 2, width: 4, palette: palette)
        #expect(bar == "██░░")
        #expect(bar.columnWidth == 4)
    }
}

@Suite struct LiveViewTests {
    private func frame(_ lines: [StyledText], over drawn: Int, columns: Int = 80, rows: Int = 24) -> String {
        LiveView.frame(lines, over: drawn, size: (columns, rows), palette: .plain)
    }

    @Test("the first frame starts where the cursor is, and later ones over the lines before")
    func frames() {
        #expect(frame(["a", "b"], over: 0) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(frame(["c"], over: 2) == "\u{1B}[2A\rc\u{1B}[K\n\u{1B}[J")
        #expect(frame([], over: 3) == "\u{1B}[3A\r\u{1B}[J")
    }

    @Test("lines and columns that do not fit into the window are cut")
    func cut() {
        #expect(frame(["abcdef", "b", "c", "d"], over: 0, columns: 3, rows: 3) == "abc\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
    }

    @Test("what a server says cannot leave its line")
    func control() {
        let text = frame([StyledText("a\u{1B}[2Jb\nc")], over: 0)
        #expect(text == "a?[2Jb?c\u{1B}[K\n\u{1B}[J")
    }
}

@Suite struct ProgressLineTests {
    private let pipe = Terminal(.error, isInteractive: false, palette: .plain)
    private let screen = Terminal(.error, isInteractive: true, palette: .plain)

    @Test("where nobody looks, one line is written per tenth, with rate and time left")
    func piped() {
        var line = ProgressLine(title: "model.onnx", totalBytes: 1000, at: 0)
        var written: [String] = []
        for step in 0...20 {
            if let text = line.advanced(to: UInt64(step * 50), at: Double(step), on: pipe) { written.append(text) }
        }
        #expect(written.count == 10)
        #expect(written.first == "model.onnx  10 %  100 B of 1000 B  50 B/s  18s left\n")
        #expect(written.last == "model.onnx  100 %  1000 B of 1000 B  50 B/s\n")
    }

    @Test("an upload that goes on starts at its first own tenth, and its rate counts its own bytes only")
    func resumed() {
        var line = ProgressLine(title: "m", totalBytes: 1000, at: 0)
        #expect(line.advanced(to: 500, at: 0, on: pipe) == nil)
        #expect(line.advanced(to: 600, at: 10, on: pipe) == "m  60 %  600 B of 1000 B  10 B/s  40s left\n")
    }

    @Test("what is complete already, and what is empty, is said once")
    func complete() {
        var done = ProgressLine(title: "m", totalBytes: 1000, at: 0)
        #expect(done.advanced(to: 1000, at: 0, on: pipe) == "m  100 %  1000 B of 1000 B\n")
        var empty = ProgressLine(title: "m", totalBytes: 0, at: 0)
        #expect(empty.advanced(to: 0, at: 0, on: pipe) == "m  100 %  0 B of 0 B\n")
    }

    @Test("on a terminal the line is drawn over itself, at most ten times a second, and ends at the end")
    func interactive() {
        var line = ProgressLine(title: "m", totalBytes: 1000, at: 0)
        let first = line.advanced(to: 0, at: 0, on: screen)
        #expect(first?.hasPrefix("\rm  ....................  0 %") == true)
        #expect(first?.hasSuffix("\u{1B}[K") == true)
        #expect(line.advanced(to: 100, at: 0.05, on: screen) == nil)
        #expect(line.advanced(to: 200, at: 0.2, on: screen)?.hasPrefix("\rm  ####................  20 %") == true)
        #expect(line.advanced(to: 1000, at: 0.25, on: screen)?.hasSuffix("\u{1B}[K\n") == true)
    }
}

@Suite struct TerminalTests {
    @Test(
        "characters beyond ASCII are used where the locale says UTF-8, the most specific variable first",
        arguments: [
            (["LANG": "en_US.UTF-8"], true), (["LANG": "C"], false), ([:], false),
            (["LC_ALL": "C", "LANG": "en_US.UTF-8"], false), (["LC_ALL": "", "LC_CTYPE": "C.utf8"], true),
        ] as [([String: String], Bool)])
    func unicode(environment: [String: String], hasUnicode: Bool) {
        #expect(Terminal(.output, environment: environment).hasUnicode == hasUnicode)
    }

    @Test("a stream without colour paints nothing")
    func palette() {
        let terminal = Terminal(.output, environment: ["NO_COLOR": "1", "TERM": "dumb"])
        #expect(!terminal.hasColour)
        #expect(!terminal.isInteractive)
        #expect(StyledText("a", .bad).rendered(terminal.palette) == "a")
    }
}
