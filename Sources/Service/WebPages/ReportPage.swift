public import Rollouts

/// A report on one decision as a page of its own: it needs no script, no network and no other file, opens from disk,
/// prints on a page or two, and follows the reader's choice of light or dark.
public struct ReportPage: Sendable {
    /// How many points a line has at most; the last of those that fall together is drawn.
    static let pointLimit = 240

    let report: RolloutReport
    private let footer: String

    /// Makes a page.
    ///
    /// - Parameter footer: who wrote it and when.
    public init(_ report: RolloutReport, footer: String) {
        self.report = report
        self.footer = footer
    }

    /// The page as an HTML document.
    public var html: String {
        let title = "\(report.subject.id): decision \(report.decision.number), \(report.decision.kind.rawValue)"
        let head = Markup.element(
            "head",
            [
                .void("meta", ["charset": "utf-8"]),
                // Nothing may be fetched or run, whatever a name tries.
                .void(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; style-src 'unsafe-inline'",
                    ]),
                .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("title", title), .element("style", [StyleSheet.report]),
            ])
        let page = Markup.element("html", ["lang": "en"], [head, .element("body", [main, foot])])
        return "<!DOCTYPE html>\n\(page.html)\n"
    }

    private var main: Markup {
        .element(
            "main",
            [summary, timeline, measured] + [charts, gates, devices, alternatives, parameters])
    }

    private var foot: Markup { .element("footer", footer) }

    static func section(_ title: String, _ content: [Markup]) -> Markup {
        content.isEmpty ? .none : .element("section", [.element("h2", title)] + content)
    }

    // MARK: - What was decided

    private var summary: Markup {
        let decision = report.decision
        let style = decision.kind.style
        var badges: [Markup] = [
            .element("span", ["class": "badge \(style)"], decision.kind.rawValue),
            .element(
                "span", ["class": "badge faint"], "rollout \(report.subject.id): \(report.subject.state.rawValue)"),
        ]
        if let label = decision.label {
            badges.append(.element("span", ["class": "badge notice"], label.words))
        }
        var lines: [Markup] = [
            .element("p", badges), .element("h1", report.headline), .element("p", ["class": "hint"], provenance),
        ]
        if let suspect = report.suspect {
            lines.append(
                .element(
                    "p", ["class": "bad"],
                    "The harm is concentrated on devices with \(suspect); elsewhere there is no more than chance gives."
                )
            )
        }
        if let worse = report.worseBaseline {
            lines.append(.element("p", ["class": "notice"], "\(worse.sentence.firstUppercased)."))
        }
        return .element("header", lines)
    }

    private var provenance: String {
        let decision = report.decision
        var words =
            "Decision \(decision.number) by \(report.decider) at \(decision.at), \(report.name(ofStep: decision.step))"
        if let tick = decision.tick { words += ", tick \(tick)" }
        words += "; \(decision.exposedDevices) devices ran the new version. Recomputed from the stored evidence: "
        return words + report.replayed + (report.crossing.map { "; \($0)" } ?? "") + "."
    }

    // MARK: - When what happened

    private var timeline: Markup {
        Self.section("What happened when", [Timeline(report).markup])
    }
}

extension DecisionKind {
    /// The class of the style sheet.
    var style: String {
        switch self {
        case .advance, .promote, .resume, .retry: "good"
        case .hold, .halt: "notice"
        case .rollback: "bad"
        }
    }
}

extension DecisionLabel {
    /// The label in words.
    var words: String {
        switch value {
        case .falsePositive: "false positive, says \(by)"
        case .truePositive: "true positive, says \(by)"
        }
    }
}

extension String {
    /// The text with its first letter in upper case.
    var firstUppercased: String { prefix(1).uppercased() + dropFirst() }
}
