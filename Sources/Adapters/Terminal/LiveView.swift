/// Lines that are drawn again in their place, for a terminal that somebody looks at.
public struct LiveView: Sendable {
    private let terminal: Terminal
    private var drawnLines = 0

    /// Starts below what the terminal shows.
    public init(on terminal: Terminal) {
        self.terminal = terminal
    }

    /// Replaces the lines of the view; what does not fit into the window is cut, lines and columns alike.
    public mutating func show(_ lines: [StyledText]) {
        let size = terminal.size
        terminal.write(Self.frame(lines, over: drawnLines, size: size, palette: terminal.palette))
        drawnLines = min(lines.count, size.rows - 1)
    }

    /// The text that replaces `drawn` lines by others: cursor up, each line cleared to its end, the rest erased
    /// (ECMA-48).
    static func frame(
        _ lines: [StyledText], over drawn: Int, size: (columns: Int, rows: Int), palette: Palette
    ) -> String {
        var text = drawn > 0 ? "\u{1B}[\(drawn)A\r" : ""
        for line in lines.prefix(max(1, size.rows - 1)) {
            text += line.prefix(columns: size.columns).rendered(palette) + "\u{1B}[K\n"
        }
        return text + "\u{1B}[J"
    }
}
