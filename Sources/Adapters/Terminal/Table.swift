/// A table whose columns are as wide as their widest cell.
public struct Table: Sendable {
    /// On which side a column's cells stand.
    public enum Alignment: Sendable {
        /// Words.
        case left
        /// Numbers.
        case right
    }

    /// A column.
    public struct Column: Sendable {
        /// Its heading, upper case by custom.
        public var heading: String
        /// Where its cells stand.
        public var alignment: Alignment

        /// Makes a column.
        public init(_ heading: String, _ alignment: Alignment = .left) {
            self.heading = heading
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    private var rows: [[StyledText]] = []

    /// Makes an empty table.
    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Makes an empty table whose columns hold words.
    public init(_ headings: String...) {
        columns = headings.map { Column($0) }
    }

    /// Adds a row; missing cells are empty, surplus ones are dropped.
    public mutating func add(_ cells: [StyledText]) {
        let padded = cells + Array(repeating: StyledText(""), count: max(0, columns.count - cells.count))
        rows.append(Array(padded.prefix(columns.count)))
    }

    /// Whether it has no rows.
    public var isEmpty: Bool { rows.isEmpty }

    /// The lines, headings first; no line ends with a space.
    public func lines() -> [StyledText] {
        let headings = columns.map { StyledText($0.heading, .strong) }
        let widths = columns.indices.map { column in
            ([headings] + rows).map { $0[column].width }.max() ?? 0
        }
        return ([headings] + rows).map { line($0, widths: widths) }
    }

    private func line(_ cells: [StyledText], widths: [Int]) -> StyledText {
        // Trailing empty cells are left out, so that nothing but text ends a line.
        let last = cells.lastIndex { $0.width > 0 } ?? 0
        var line = StyledText("")
        for index in 0...last {
            let gap = StyledText(String(repeating: " ", count: widths[index] - cells[index].width))
            switch columns[index].alignment {
            case .left: line = line + cells[index] + (index == last ? StyledText("") : gap)
            case .right: line = line + gap + cells[index]
            }
            if index < last { line = line + StyledText("   ") }
        }
        return line
    }
}
