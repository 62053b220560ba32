import CanaryAnalysis
import Fleet
import Rollouts
import Terminal

/// A report on one decision as lines for a terminal.
struct ReportView {
    let report: RolloutReport
    let columns: Int
    let palette: Palette

    /// The whole page.
    var lines: [StyledText] {
        head + measured + plots + conditions + devices + alternatives + foot
    }

    private var decision: Decision { report.decision }

    /// A line with its name in the left column.
    static func line(_ name: String, _ text: StyledText) -> StyledText {
        let gap = String(repeating: " ", count: max(1, 14 - name.columnWidth))
        return StyledText("  \(name)\(gap)", .faint) + text
    }

    // MARK: - What was decided

    private var head: [StyledText] {
        var place = report.name(ofStep: decision.step)
        if let tick = decision.tick { place += ", tick \(tick)" }
        var lines: [StyledText] = [
            StyledText("\(report.subject.id)  ", .strong)
                + StyledText("decision \(decision.number) of \(report.decisions.count): ")
                + StyledText(decision.kind.rawValue, decision.kind.style)
                + StyledText(" by \(report.decider) at \(decision.at), \(place)"),
            StyledText(report.headline, .strong), "",
            Self.line("reason", StyledText(decision.reason)),
        ]
        if let evidence = decision.evidence {
            let place = [decision.metric, decision.test].compactMap { $0 }.joined(separator: ", ")
            lines.append(
                Self.line(
                    "rests on",
                    StyledText(
                        "\(place): \(Figure.decimal(evidence)) against a bound of \(Figure.decimal(decision.bound))")))
        }
        if let method = report.deciding?.judgement?.method, method != .draw {
            lines.append(Self.line("judged", StyledText(method.words, .notice)))
        }
        if let crossing = report.crossing { lines.append(Self.line("", StyledText(crossing))) }
        if let suspect = report.suspect {
            let words = "\(suspect) carries the harm; elsewhere there is no more than chance gives"
            lines.append(Self.line("class", StyledText(words, .bad)))
        }
        lines.append(Self.line("exposed", StyledText("\(decision.exposedDevices) devices ran the new version")))
        if let label = decision.label { lines.append(Self.line("label", StyledText(label.said, .notice))) }
        if let worse = report.worseBaseline {
            lines.append(Self.line("baseline", StyledText(worse.sentence, .notice)))
            if WorseBaseline.canPromote(report.subject.state) {
                lines.append(Self.line("", StyledText(WorseBaseline.offer(report.subject.id))))
            }
        }
        return lines
    }

    // MARK: - What was measured

    private var measured: [StyledText] {
        guard let step = report.deciding, let judgement = step.judgement else {
            return ["", StyledText("  \(report.withoutEvidence)")]
        }
        let title =
            "measured by then: \(judgement.armsInWords), \(report.name(ofStep: step.step)), \(judgement.tick) ticks of "
            + "\(Figure.decimal(step.tickSeconds, digits: 0)) s"
        var lines: [StyledText] = ["", StyledText(title, .strong)]
        for metric in judgement.metrics { lines += Self.lines(metric, bound: judgement.bound) }
        let events = judgement.events.map { "\($0.name) \($0.canaries)/\($0.others)" }
        lines.append(Self.line("events", StyledText("\(events.joined(separator: ", ")) (canaries/others)", .faint)))
        return lines
    }

    private static func lines(_ metric: MetricJudgement, bound: Double?) -> [StyledText] {
        let requests = (
            Figure.decimal(metric.canaryRequests, digits: 0), Figure.decimal(metric.baselineRequests, digits: 0)
        )
        let values =
            "canary \(Figure.value(metric.canaryValue, metric.kind)) of \(requests.0), baseline "
            + "\(Figure.value(metric.baselineValue, metric.kind)) of \(requests.1), "
            + "\(Figure.effect(metric.effect, metric.kind))\(interval(metric)), tolerated \(metric.margin.words)"
        let isHarm = bound.map { metric.evidence > $0 } ?? false
        return [
            line(metric.metric, StyledText(values)),
            line(
                "",
                StyledText(
                    "harm \(Figure.decimal(metric.evidence)) of \(Figure.decimal(bound))", isHarm ? .bad : .plain)
                    + StyledText(metric.mode == .guard ? ", safety " : " (watched)")
                    + StyledText(
                        metric.mode == .guard
                            ? "\(Figure.decimal(metric.safetyEvidence)) of \(Figure.decimal(metric.safetyBound))" : "",
                        metric.isProven ? .good : .plain) + StyledText(": \(metric.verdict.rawValue)")),
        ]
    }

    /// The effects that the data do not refuse; an open end is left out.
    private static func interval(_ metric: MetricJudgement) -> String {
        func text(_ value: Double) -> String { Figure.effect(value, metric.kind) }
        switch (metric.effectLower, metric.effectUpper) {
        case (let lower?, let upper?): return " (95 % of \(text(lower)) to \(text(upper)))"
        case (let lower?, nil): return " (at least \(text(lower)), 97.5 %)"
        case (nil, let upper?): return " (at most \(text(upper)), 97.5 %)"
        case (nil, nil): return ""
        }
    }

    // MARK: - What else counts

    private var conditions: [StyledText] {
        guard let gates = report.deciding?.judgement?.gates, !gates.isEmpty else { return [] }
        return [""]
            + gates.map { gate in
                Self.line(
                    gate.gate.rawValue,
                    StyledText(gate.isOpen ? "open    " : "closed  ", gate.isOpen ? .good : .notice)
                        + StyledText(gate.detail, .faint))
            }
    }

    private var devices: [StyledText] {
        guard let worst = report.deciding?.judgement?.contributions, !worst.isEmpty else { return [] }
        var table = Table([
            .init("  WORST CANARIES"), .init("METRIC"), .init("OBSERVED", .right), .init("EXPECTED", .right),
            .init("REQUESTS", .right),
        ])
        for one in worst {
            table.add([
                StyledText("  \(one.device)"), StyledText(one.metric),
                StyledText(Figure.decimal(one.observed, digits: 0)),
                StyledText(Figure.decimal(one.expected, digits: 1)),
                StyledText(Figure.decimal(one.requests, digits: 0)),
            ])
        }
        return [""] + table.lines()
    }

    private var alternatives: [StyledText] {
        guard !report.alternatives.isEmpty else { return [] }
        return ["", StyledText("what would have changed it: the same evidence", .strong)]
            + report.alternatives.map { one in
                StyledText("  \(one.what): ") + StyledText(one.result, one.outcome == .same ? .good : .notice)
            }
    }

    private var foot: [StyledText] {
        let style: Style =
            switch report.recomputed.outcome {
            case "reproduced": .good
            case "differs": .bad
            default: .faint
            }
        let seeds = report.steps.map { "\($0.seed)" }.joined(separator: ", ")
        let said = [("budget", report.subject.budget?.sentence), ("watch", report.subject.guarantee)]
        let more = said.compactMap { name, text in text.map { Self.line(name, StyledText($0, .faint)) } }
        return [
            "", Self.line("recomputed", StyledText(report.replayed, style)),
            Self.line("seeds", StyledText("\(seeds), one per step", .faint)),
        ] + more
    }
}
