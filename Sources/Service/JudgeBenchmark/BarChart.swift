import CanaryAnalysis
import RivalJudges

/// Bars as SVG that needs nothing else: readable by people who do not see colours, on white and on black.
public struct BarChart: Sendable {
    /// The file's name, without its ending.
    public let name: String
    /// The text of the file.
    public let svg: String
}

extension BenchmarkResults {
    /// The plots: false rollback of each judge with intervals, and detection times against the limit.
    public var charts: [BarChart] {
        compared.isEmpty
            ? [] : [BarChart(name: "false-rollback", svg: falseRollback), BarChart(name: "time", svg: times)]
    }

    /// One row per judge and harmless fleet: the share taken back with its interval, against the budget.
    private var falseRollback: String {
        let harmless = compared.filter { $0.benchmarkCase.subject == .harmless }
        var drawing = Drawing(title: "A harmless version taken back, share of runs with 95 % intervals")
        for result in harmless {
            drawing.heading("\(result.benchmarkCase.title) (\(result.runs.count) runs)")
            for judge in Self.judges where judge != .limit {
                let seen = judge.map { result.rolledBack(by: $0) ?? ExactBinomial(0, of: 0) } ?? result.rolledBack
                let interval = seen.interval()
                drawing.row(
                    Self.title(judge), value: seen.share, interval: interval, of: 1, label: Figure.percent(seen.share),
                    isOwn: judge == nil)
            }
        }
        drawing.mark(at: 0.01, of: 1, "budget 1 %")
        return drawing.svg
    }

    /// One row per judge and harmful fleet: the median time to take it back, from 0 to an hour.
    private var times: String {
        let harmful = compared.filter { $0.benchmarkCase.subject == .harmful }
        var drawing = Drawing(title: "Minutes until a harmful version is taken back, median of all runs")
        for result in harmful {
            drawing.heading("\(result.benchmarkCase.title) (\(result.runs.count) runs)")
            for judge in Self.judges {
                let median = judge.map { result.rollbackMinutes(0.5, by: $0) } ?? result.rollbackMinutes(0.5)
                let share = judge.map { result.rolledBack(by: $0)?.share ?? 0 } ?? result.rolledBack.share
                drawing.row(
                    Self.title(judge), value: median ?? 0, interval: nil, of: 60,
                    label: "\(Figure.minutes(median)), \(Figure.percent(share)) found", isOwn: judge == nil)
            }
        }
        return drawing.svg
    }
}

/// Rows with bars, from the top down.
private struct Drawing {
    private static let left = 300.0
    private static let width = 380.0
    private static let right = 180.0
    private static let rowHeight = 18.0

    private let title: String
    private var y: Double
    private var body = ""
    private var marks = ""

    init(title: String) {
        self.title = title
        y = 44
    }

    mutating func heading(_ text: String) {
        y += 10
        body += Self.text(8, y + 12, text, "font-weight=\"bold\"")
        y += Self.rowHeight
    }

    mutating func row(
        _ name: String, value: Double, interval: ClosedRange<Double>?, of full: Double, label: String, isOwn: Bool
    ) {
        let end = Self.place(value, of: full)
        body += Self.text(16, y + 12, name, isOwn ? "font-weight=\"bold\"" : "")
        body +=
            "<rect x=\"\(Self.number(Self.left))\" y=\"\(Self.number(y + 3))\" "
            + "width=\"\(Self.number(max(0.5, end - Self.left)))\" height=\"11\" "
            + "fill=\"\(isOwn ? "#1f6f4a" : "#8a97a6")\"/>\n"
        var labelled = end
        if let interval {
            let (low, high) = (Self.place(interval.lowerBound, of: full), Self.place(interval.upperBound, of: full))
            body += Self.line(low, y + 8.5, high, y + 8.5, "#222222")
            body += Self.line(low, y + 5, low, y + 12, "#222222") + Self.line(high, y + 5, high, y + 12, "#222222")
            labelled = max(labelled, high)
        }
        body += Self.text(labelled + 6, y + 12, label, "font-size=\"11\"")
        y += Self.rowHeight
    }

    mutating func mark(at value: Double, of full: Double, _ label: String) {
        let x = Self.place(value, of: full)
        marks += Self.line(x, 40, x, y, "#b3261e") + Self.text(x + 4, 38, label, "font-size=\"11\" fill=\"#b3261e\"")
    }

    var svg: String {
        let width = Self.number(Self.left + Self.width + Self.right)
        let height = Self.number(y + 12)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="12">
            <title>\(title)</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(Self.text(8, 20, title, "font-size=\"14\" font-weight=\"bold\""))\(body)\(marks)</svg>

            """
    }

    private static func place(_ value: Double, of full: Double) -> Double {
        left + width * min(1, max(0, value / full))
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, _ attributes: String) -> String {
        let escaped = text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: String(character)
            }
        }.joined()
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" \(attributes)>\(escaped)</text>\n"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
            + "stroke=\"\(colour)\"/>\n"
    }

    private static func number(_ value: Double) -> String { Figure.decimal(value, digits: 1) }
}
