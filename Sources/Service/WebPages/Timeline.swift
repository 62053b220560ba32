import Fleet
import Rollouts

/// A rollout's life: a strip with numbered marks, and the same as a table.
struct Timeline: Sendable {
    private struct Moment: Sendable {
        var at: Timestamp
        var style: String
        var what: String
        var who: String
        var why: String
    }

    private static let size = (width: 960.0, height: 46.0, margin: 16.0)
    /// Longer rollouts show their last moments only.
    private static let limit = 24

    private let moments: [Moment]
    private let omitted: Int

    init(_ report: RolloutReport) {
        let subject = report.subject
        var all = [
            Moment(
                at: subject.createdAt, style: "", what: "declared", who: "",
                why: "\(subject.from?.name.rawValue ?? "nothing") to \(subject.to.name)")
        ]
        if let first = subject.firstExposedAt {
            all.append(Moment(at: first, style: "", what: "first device runs \(subject.to.name)", who: "", why: ""))
        }
        all += report.decisions.map { decision in
            let isThis = decision.number == report.decision.number ? " (explained here)" : ""
            let label = decision.label.map { " [\($0.words)]" } ?? ""
            return Moment(
                at: decision.at, style: decision.kind.style,
                what: "decision \(decision.number): \(decision.kind.rawValue) in step \(decision.step)\(isThis)",
                who: decision.actor ?? decision.cause.rawValue, why: decision.sentence + label)
        }
        if let ended = subject.endedAt {
            all.append(Moment(at: ended, style: "", what: "ended: \(subject.state.rawValue)", who: "", why: ""))
        }
        all.sort { $0.at < $1.at }
        omitted = max(0, all.count - Self.limit)
        moments = Array(all.suffix(Self.limit))
    }

    var markup: Markup {
        var content = [strip, table]
        if omitted > 0 { content.append(.element("p", ["class": "hint"], "\(omitted) earlier moments are left out.")) }
        return .element("div", ["class": "timeline"], content)
    }

    /// The time to the second.
    private static func time(_ moment: Timestamp) -> String {
        "\(moment)".replacing("T", with: " ").split(separator: ".").first.map(String.init) ?? ""
    }

    private var strip: Markup {
        guard let first = moments.first?.at, let last = moments.last?.at, last > first else { return .none }
        let span = last.seconds(since: first)
        let (width, height, margin) = Self.size
        let middle = height / 2
        var drawn = [
            Markup.element("title", "The moments below on one line of time, \(Figure.span(span)) in all."),
            .element("path", ["class": "grid", "d": "M\(margin) \(middle)H\(width - margin)"], []),
        ]
        for (number, moment) in moments.enumerated() {
            let x = Figure.decimal(
                margin + moment.at.seconds(since: first) / span * (width - 2 * margin), digits: 1)
            drawn.append(
                .element("circle", ["class": "mark \(moment.style)", "cx": x, "cy": "\(middle)", "r": "10"], []))
            drawn.append(
                .element(
                    "text", ["class": "on", "x": x, "y": "\(middle + 4)", "text-anchor": "middle"], "\(number + 1)"))
        }
        return .element("svg", ["viewBox": "0 0 \(Int(width)) \(Int(height))", "role": "img"], drawn)
    }

    private var table: Markup {
        let rows = moments.enumerated().map { number, moment in
            Markup.element(
                "tr",
                [
                    .element("td", ["class": "number"], "\(number + 1)"),
                    .element("td", ["class": "time"], Self.time(moment.at)),
                    .element("td", ["class": moment.style], moment.what),
                    .element("td", moment.who), .element("td", moment.why),
                ])
        }
        let heads = ["", "when (UTC)", "what", "by", "why"].map { Markup.element("th", $0) }
        return .element("table", [.element("thead", [.element("tr", heads)]), .element("tbody", rows)])
    }
}
