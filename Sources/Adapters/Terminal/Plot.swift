internal import Glibc

/// Series over time as lines of characters, oldest on the left.
public struct Plot: Sendable {
    /// How the vertical axis is divided.
    public enum Scale: Sendable {
        /// Evenly.
        case linear
        /// By ratios; for values above 0.
        case logarithmic
    }

    /// Columns of an axis' label.
    private static let labelWidth = 9
    /// One value is drawn over at most so many columns.
    private static let widest = 4

    private let width: Int
    private let height: Int
    private let palette: Palette
    private let label: @Sendable (Double) -> String

    /// Sets a plot up.
    ///
    /// - Parameters:
    ///   - columns: how many columns the lines may take, labels included.
    ///   - height: how many lines.
    ///   - palette: which characters may be used.
    ///   - label: writes a value of the axis.
    public init(columns: Int, height: Int, palette: Palette, label: @escaping @Sendable (Double) -> String) {
        width = max(8, columns - Self.labelWidth - 1)
        self.height = max(2, height)
        self.palette = palette
        self.label = label
    }

    /// Bars from zero, and the bound they are compared with; bars above it are bad, or good where `isGood` says so.
    public func bars(_ values: [Double], bound: [Double?], isGood: Bool = false) -> [StyledText] {
        let values = resampled(values.map { $0.isFinite ? max(0, $0) : 0 }, by: { $0.max() ?? 0 })
        let bounds = resampled(bound, by: { $0.last ?? nil })
        let top = max(values.max() ?? 0, bounds.compactMap { $0 }.max() ?? 0)
        guard top > 0 else { return [] }
        return (0..<height).reversed().map { row in
            line(row, values.count, at: top * Double(row + 1) / Double(height)) { column in
                let level = Int((values[column] / top * Double(height) * 8).rounded()) - row * 8
                let isAbove = bounds[column].map { values[column] > $0 } ?? false
                let boundRow = bounds[column].map { min(height - 1, Int($0 / top * Double(height))) }
                if level <= 0 || (!palette.hasUnicode && level < 4) {
                    return boundRow == row ? (palette.hasUnicode ? "─" : "-", .notice) : (" ", .plain)
                }
                if boundRow == row { return (palette.hasUnicode ? "┿" : "=", .notice) }
                return (bar(min(8, level)), isAbove ? (isGood ? .good : .bad) : .plain)
            }
        }
    }

    /// A value with the range around it at each moment, and the value of no effect; an open end reaches the edge.
    public func ranges(
        _ values: [Double], lower: [Double?], upper: [Double?], reference: Double, scale: Scale
    ) -> [StyledText] {
        let middle = resampled(values, by: { $0.last ?? reference }).map { Self.place($0, scale) }
        let low = resampled(lower, by: { $0.last ?? nil }).map { $0.map { Self.place($0, scale) } }
        let high = resampled(upper, by: { $0.last ?? nil }).map { $0.map { Self.place($0, scale) } }
        let zero = Self.place(reference, scale)
        let all = (middle + low.compactMap { $0 } + high.compactMap { $0 } + [zero]).filter(\.isFinite)
        guard let bottom = all.min(), let top = all.max(), top > bottom else { return [] }
        func row(_ value: Double) -> Int { Int(((value - bottom) / (top - bottom) * Double(height - 1)).rounded()) }
        let signs = palette.hasUnicode ? ("●", "│", "╌") : ("o", "|", "-")
        return (0..<height).reversed().map { line in
            let edge = bottom + (top - bottom) * Double(line) / Double(height - 1)
            return self.line(line, middle.count, at: scale == .linear ? edge : exp(edge)) { column in
                guard middle[column].isFinite else { return (line == row(zero) ? signs.2 : " ", .faint) }
                if line == row(middle[column]) { return (signs.0, .strong) }
                let isOpen = low[column] == nil && high[column] == nil
                let from = low[column].map(row) ?? 0
                let to = high[column].map(row) ?? height - 1
                if !isOpen, from <= line, line <= to { return (signs.1, .plain) }
                return line == row(zero) ? (signs.2, .faint) : (" ", .plain)
            }
        }
    }

    // MARK: - Drawing

    private func bar(_ eighths: Int) -> String {
        palette.hasUnicode ? ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"][eighths - 1] : "#"
    }

    private func line(
        _ row: Int, _ columns: Int, at value: Double, _ cell: (Int) -> (String, Style)
    ) -> StyledText {
        let isLabelled = row == 0 || row == height - 1 || row == height / 2
        let text = isLabelled ? label(value) : ""
        let gap = String(repeating: " ", count: max(0, Self.labelWidth - text.columnWidth))
        var line = StyledText("\(gap)\(text) ", .faint)
        var run = ("", Style.plain)
        for column in 0..<columns {
            let (sign, style) = cell(column)
            if style != run.1 {
                line = line + StyledText(run.0, run.1)
                run = ("", style)
            }
            run.0 += sign
        }
        return line + StyledText(run.0, run.1)
    }

    // MARK: - Columns

    /// How many columns so many values take: a few each where there is room, several values a column where there is
    /// not.
    private func columns(of count: Int) -> Int {
        count == 0 ? 0 : count <= width ? count * min(Self.widest, width / count) : width
    }

    /// One value per column.
    private func resampled<Value>(_ values: [Value], by merge: ([Value]) -> Value) -> [Value] {
        let columns = columns(of: values.count)
        return (0..<columns).map { column in
            let from = column * values.count / columns
            let to = max(from + 1, (column + 1) * values.count / columns)
            return merge(Array(values[from..<min(values.count, to)]))
        }
    }

    private static func place(_ value: Double, _ scale: Scale) -> Double {
        switch scale {
        case .linear: value
        case .logarithmic: log(max(1e-6, value))
        }
    }
}
