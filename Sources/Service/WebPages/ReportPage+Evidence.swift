import CanaryAnalysis
import Rollouts

/// What was measured, and how the evidence grew.
extension ReportPage {
    /// So many metrics have charts of their own; all are in the table.
    private static let chartedMetrics = 3

    /// A table's head: names, those in `numbers` right-aligned.
    static func head(_ names: [String], numbers: Set<Int> = []) -> Markup {
        .element(
            "thead",
            [
                .element(
                    "tr",
                    names.enumerated().map { .element("th", ["class": numbers.contains($0) ? "number" : ""], $1) })
            ])
    }

    private static func number(_ text: String, _ style: String = "") -> Markup {
        .element("td", ["class": "number \(style)"], text)
    }

    // MARK: - Metrics

    /// Every metric at the decision.
    var measured: Markup {
        guard let step = report.deciding, let judgement = step.judgement else {
            return Self.section(
                "What was measured", [.element("p", ["class": "hint"], "\(report.withoutEvidence.firstUppercased).")])
        }
        let names = [
            "metric", "canary", "baseline", "effect", "95 % interval", "tolerated", "evidence of harm / bound",
            "proof of safety / bound", "verdict",
        ]
        let rows = judgement.metrics.map { row($0, bound: judgement.bound) }
        let events = judgement.events.map { event in
            "\(event.name) \(event.canaries) canaries, \(event.others) others (evidence "
                + "\(Figure.decimal(event.evidence)))"
        }
        return Self.section(
            "What was measured by then, in \(report.name(ofStep: step.step))",
            [
                .element(
                    "table",
                    [Self.head(names, numbers: [1, 2, 3, 4, 5, 6, 7]), .element("tbody", rows)]),
                .element(
                    "p", ["class": "hint"],
                    "\(judgement.armsInWords), \(judgement.tick) ticks of "
                        + "\(Figure.decimal(step.tickSeconds, digits: 0)) s. Events: \(events.joined(separator: "; "))."
                ),
            ])
    }

    private func row(_ metric: MetricJudgement, bound: Double?) -> Markup {
        let isHarm = bound.map { metric.evidence > $0 } ?? false
        let interval =
            "\(Figure.effect(metric.effectLower, metric.kind)) to "
            + Figure.effect(metric.effectUpper, metric.kind)
        return .element(
            "tr",
            [
                .element("td", ["class": "name"], metric.metric + (metric.mode == .guard ? "" : " (watched)")),
                Self.number("\(Figure.value(metric.canaryValue, metric.kind)) of \(Self.count(metric.canaryRequests))"),
                Self.number(
                    "\(Figure.value(metric.baselineValue, metric.kind)) of \(Self.count(metric.baselineRequests))"),
                Self.number(Figure.effect(metric.effect, metric.kind)), Self.number(interval),
                Self.number(metric.margin.words),
                Self.number(
                    "\(Figure.decimal(metric.evidence)) / \(Figure.decimal(bound))", isHarm ? "bad" : ""),
                Self.number(
                    "\(Figure.decimal(metric.safetyEvidence)) / \(Figure.decimal(metric.safetyBound))",
                    metric.isProven ? "good" : ""),
                .element("td", ["class": "verdict \(metric.verdict.style)"], metric.verdict.rawValue),
            ])
    }

    private static func count(_ number: Double) -> String { Figure.decimal(number, digits: 0) }

    // MARK: - Charts

    /// How everything grew up to the decision.
    var charts: Markup {
        guard let step = report.deciding, step.points.count > 1 else { return .none }
        let leading = report.decision.metric ?? step.judgement?.leadingMetric ?? ""
        let order = step.metrics.indices.sorted { left, right in
            rank(step.metrics[left], leading) < rank(step.metrics[right], leading)
        }
        var charts = [harm(step)]
        for index in order.prefix(Self.chartedMetrics) {
            let plan = step.metrics[index]
            charts.append(values(step, index, plan))
            if plan.mode == .guard { charts.append(proof(step, index, plan)) }
            charts.append(effect(step, index, plan))
        }
        return Self.section(
            "How the evidence grew", [.element("div", ["class": "charts"], charts.map(\.markup))])
    }

    /// The metric that decided first, then guarded ones.
    private func rank(_ plan: MetricPlan, _ leading: String) -> Int {
        plan.name == leading ? 0 : plan.mode == .guard ? 1 : 2
    }

    /// A value of each tick, at most ``pointLimit`` of them.
    private func series(_ step: StepReport, _ value: (TickPoint) -> Double?) -> [(seconds: Double, value: Double?)] {
        thinned(step.points).map { (Double($0.tick) * step.tickSeconds, value($0)) }
    }

    private func thinned(_ points: [TickPoint]) -> [TickPoint] {
        guard points.count > Self.pointLimit else { return points }
        return (1...Self.pointLimit).map { points[$0 * points.count / Self.pointLimit - 1] }
    }

    private func harm(_ step: StepReport) -> Chart {
        Chart(
            title: "Evidence of harm", hint: "above its bound the version is taken back",
            label: { Figure.decimal($0, digits: 1) },
            lines: [
                Chart.Line(name: "bound", style: "bound", points: series(step) { $0.bound }),
                Chart.Line(name: "evidence", style: "harm", points: series(step) { $0.evidence }),
            ])
    }

    private func values(_ step: StepReport, _ index: Int, _ plan: MetricPlan) -> Chart {
        let kind = plan.kind
        return Chart(
            title: "\(plan.name), canary and baseline", hint: "since the step's start",
            label: { Figure.value($0, kind) },
            lines: [
                Chart.Line(
                    name: "baseline", style: "baseline", points: series(step) { $0.metric(index)?.baselineValue }),
                Chart.Line(name: "canary", style: "canary", points: series(step) { $0.metric(index)?.canaryValue }),
            ], startsAtZero: kind == .share)
    }

    private func proof(_ step: StepReport, _ index: Int, _ plan: MetricPlan) -> Chart {
        Chart(
            title: "Proof of safety in \(plan.name)",
            hint: "above its bound the version is shown to be within \(plan.margin.words)",
            label: { Figure.decimal($0, digits: 1) },
            lines: [
                Chart.Line(name: "bound", style: "bound", points: series(step) { $0.metric(index)?.safetyBound }),
                Chart.Line(name: "proof", style: "proof", points: series(step) { $0.metric(index)?.safetyEvidence }),
            ])
    }

    private func effect(_ step: StepReport, _ index: Int, _ plan: MetricPlan) -> Chart {
        let kind = plan.kind
        // Estimates from a handful of requests would squeeze everything after them.
        let last = step.points.last?.metric(index)
        let top = kind == .share ? max(3, 2 * (last?.effectUpper ?? last?.effect ?? 1)) : .infinity
        let band = thinned(step.points).map { point in
            (
                seconds: Double(point.tick) * step.tickSeconds, lower: point.metric(index)?.effectLower,
                upper: point.metric(index)?.effectUpper.map { min(top, $0) }
            )
        }
        return Chart(
            title: "Effect on \(plan.name)",
            hint: kind == .share ? "canary as a multiple of the others; x1 is no effect" : "canary above the others",
            label: { Figure.effect($0, kind) },
            lines: [
                Chart.Line(
                    name: "effect", style: "canary",
                    points: series(step) { $0.metric(index).map { min(top, $0.effect) } })
            ], band: Chart.Band(name: "95 % interval", points: band), reference: kind == .share ? 1 : 0,
            startsAtZero: kind == .share)
    }
}

extension TickPoint {
    /// The series of a metric by its place in the plan.
    fileprivate func metric(_ index: Int) -> Metric? { index < metrics.count ? metrics[index] : nil }
}

extension Verdict {
    /// The class of the style sheet.
    fileprivate var style: String {
        switch self {
        case .pass: "good"
        case .fail: "bad"
        case .undecided, .nodata: "faint"
        }
    }
}
