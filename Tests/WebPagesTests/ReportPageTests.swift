import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Testing

@testable import WebPages

/// Reads a page as far as its tags go.
private struct Tags {
    /// Elements that have no end.
    private static let void: Set = ["meta", "!DOCTYPE"]

    private(set) var names: [String] = []
    /// Attribute names of all tags.
    private(set) var attributes: Set<String> = []
    /// What does not fit: an end without its start, and what was never ended.
    private(set) var faults: [String] = []

    init(_ html: String) {
        var open: [String] = []
        for piece in html.split(separator: "<").dropFirst(html.hasPrefix("<") ? 0 : 1) {
            guard let end = piece.firstIndex(of: ">") else {
                faults.append("<\(piece.prefix(20))")
                continue
            }
            let tag = piece[..<end]
            if tag.hasPrefix("/") {
                if open.popLast() != String(tag.dropFirst()) { faults.append("<\(tag)>") }
                continue
            }
            let name = String(tag.prefix { !$0.isWhitespace })
            names.append(name)
            note(tag.dropFirst(name.count))
            if !Self.void.contains(name) { open.append(name) }
        }
        faults += open
    }

    /// Values are in double quotes, where nothing but an escaped quote stands.
    private mutating func note(_ text: Substring) {
        for (index, piece) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        where index.isMultiple(of: 2) && piece.hasSuffix("=") {
            attributes.insert(piece.dropLast().trimmingCharacters(in: .whitespaces))
        }
    }
}

@Suite struct ReportPageTests {
    private func page(_ change: (inout RolloutReport) -> Void = { _ in }) throws -> String {
        var report = try HostileReport.report.get()
        change(&report)
        return ReportPage(report, footer: "Written at noon by a test.").html
    }

    @Test("what names try is shown as text: there is no tag or attribute but the page's own")
    func escaped() throws {
        let html = try page()
        let tags = Tags(html)
        #expect(tags.faults == [])
        let known: Set = [
            "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "header", "section",
            "footer", "p", "h1", "h2", "span", "strong", "table", "thead", "tbody", "tr", "th", "td", "div", "figure",
            "figcaption", "svg", "path", "text", "circle", "i", "code", "pre",
        ]
        #expect(Set(tags.names).subtracting(known) == [])
        let attributes: Set = [
            "charset", "http-equiv", "content", "name", "lang", "class", "viewBox", "role", "d", "x",
            "y", "text-anchor", "cx", "cy", "r",
        ]
        #expect(tags.attributes.subtracting(attributes) == [])
        for hostile in [HostileReport.device, HostileReport.site, HostileReport.metric, HostileReport.reason] {
            #expect(!html.contains(hostile))
        }
        #expect(html.contains("&lt;script&gt;alert(&#39;label&#39;)&lt;/script&gt;"))
        #expect(html.contains("d0&quot;&gt;&lt;img src=x onerror=&quot;alert(&#39;device&#39;)&quot;&gt;"))
        #expect(html.contains("class:&lt;b onclick=&#39;alert(1)&#39;&gt;&amp;amp;"))
        #expect(!html.unicodeScalars.contains("\u{202E}"))
    }

    @Test("a page needs no script, no other file and no network, and lets none in")
    func selfContained() throws {
        let html = try page()
        let names = Tags(html).names
        #expect(!names.contains("script") && !names.contains("img") && !names.contains("iframe"))
        #expect(html.contains("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"))
        #expect(!html.contains("@import") && !html.contains("url("))
        #expect(!names.contains("link") && !names.contains("a"))
    }

    @Test("a page says what was decided, what it rests on and how to judge it again")
    func told() throws {
        let html = try page()
        let texts = [
            "v2.0.0 of detector was taken back 5 min 55 s after the first device ran it", "rolled_back",
            "Recomputed from the stored evidence: reproduced",
            "the bound was crossed at tick 12, the effect large enough to matter at tick 13", "true positive, says ana",
            "seed 987654321",
            "7 canaries of 16", "decision 3: rollback in step 1 (explained here)", "Canaries that do worst",
            "What would have changed it", "Without device d0", "the same decision, 30 s later",
            "tolerated x1.25, limit 90.00 %", "edgectl rollout explain detector-berlin-2 --decision 3 --recompute",
            String(repeating: "02", count: 32), "Written at noon by a test.", "Evidence of harm",
            "Proof of safety in failures", "Effect on failures", "failures, canary and baseline",
        ]
        for text in texts { #expect(html.contains(text), "\(text)") }
    }

    @Test("the class that carries the harm is named, and so is a baseline that is the worse one")
    func named() throws {
        #expect(try page().contains("The harm is concentrated on devices with site=&lt;/title&gt;"))
        let html = try page { report in
            var judgement = report.deciding?.judgement
            judgement?.metrics[0].isBaselineWorse = true
            report.worseBaseline = WorseBaseline(judgement, from: report.subject.from, to: report.subject.to)
        }
        #expect(html.contains("The baseline is the worse one: v1.0.0 does worse than v2.0.0 in failures."))
    }

    @Test("a page without evidence is a page")
    func withoutEvidence() throws {
        let html = try page { report in
            report.steps = []
            report.alternatives = []
        }
        #expect(Tags(html).faults == [])
        #expect(html.contains("There is no evidence for this decision."))
        #expect(!html.contains("How the evidence grew"))
    }

    @Test("a long series is thinned, and its last point is kept")
    func thinned() throws {
        let html = try page { report in
            let points = report.steps[0].points
            report.steps[0].points = (1...5_000).map { tick in
                var point = points[tick % points.count]
                point.tick = tick
                return point
            }
        }
        #expect(html.utf8.count < 200_000)
        #expect(html.contains("1 d"), "the axis reaches the end")
    }

    @Test("a long life is shown by its last moments")
    func longLife() throws {
        let html = try page { report in
            report.decisions = (1...60).map { number in
                Decision(
                    number: number, kind: .hold, cause: .judge, reason: "r", sentence: "s", step: 1,
                    at: HostileReport.at(Double(number)))
            }
        }
        #expect(html.contains("39 earlier moments are left out."))
    }

    @Test("the page is written where a check of browsers wants it")
    func written() throws {
        guard let path = ProcessInfo.processInfo.environment["EDGEORCH_REPORT_FILE"] else { return }
        try Data(try page().utf8).write(to: URL(filePath: path))
    }
}

@Suite struct ChartTests {
    private func chart(_ values: [Double?], band: [(Double?, Double?)] = []) -> String {
        var chart = Chart(
            title: "T", hint: "h", label: { Figure.decimal($0) },
            lines: [
                Chart.Line(
                    name: "line", style: "harm",
                    points: values.enumerated().map { (seconds: Double($0 + 1), value: $1) })
            ])
        if !band.isEmpty {
            chart.band = Chart.Band(
                name: "band", points: band.enumerated().map { (seconds: Double($0 + 1), lower: $1.0, upper: $1.1) })
        }
        return chart.markup.html
    }

    @Test("nothing is drawn of nothing")
    func nothing() {
        #expect(chart([]).isEmpty && chart([nil, .nan]).isEmpty)
    }

    @Test("a gap breaks the line, and no coordinate is no number")
    func gaps() {
        let html = chart([1, nil, 3, .infinity, 2])
        #expect(html.contains("class=\"line harm\" d=\"M"))
        let path = html.components(separatedBy: "line harm").last?.prefix { $0 != "/" }
        #expect(path?.filter { $0 == "M" }.count == 3)
        #expect(path?.contains("h0") == true, "a point alone is drawn too")
        #expect(!html.contains("nan") && !html.contains("inf"))
    }

    @Test("values that never change have an axis all the same", arguments: [0.0, 5, 0.0001, 123_456])
    func constant(value: Double) {
        let html = chart([value, value])
        #expect(html.contains("class=\"grid\"") && !html.contains("nan"))
    }

    @Test("an interval with an open end reaches the edge")
    func openBand() {
        let html = chart([1, 2], band: [(nil, 3), (1, nil)])
        #expect(html.contains("class=\"band\" d=\"M"))
        #expect(html.contains("628.0 10.0") || html.contains(" 10.0"))
    }
}
