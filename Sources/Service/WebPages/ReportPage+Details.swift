import CanaryAnalysis
import Rollouts

/// Conditions, devices, alternatives and what a replay needs.
extension ReportPage {
    /// The conditions of promotion.
    var gates: Markup {
        guard let judgement = report.deciding?.judgement else { return .none }
        let rows = judgement.gates.map { gate in
            Markup.element(
                "tr",
                [
                    .element("td", gate.gate.rawValue),
                    .element("td", ["class": gate.isOpen ? "good" : "notice"], gate.isOpen ? "open" : "closed"),
                    .element("td", gate.detail),
                ])
        }
        return Self.section(
            "Conditions of promotion beside proof",
            [.element("table", [Self.head(["gate", "", "measured"]), .element("tbody", rows)])])
    }

    /// The canaries that do worst.
    var devices: Markup {
        guard let judgement = report.deciding?.judgement, !judgement.contributions.isEmpty else { return .none }
        let rows = judgement.contributions.map { one in
            Markup.element(
                "tr",
                [
                    .element("td", one.device), .element("td", one.metric),
                    .element("td", ["class": "number"], Figure.decimal(one.observed, digits: 0)),
                    .element("td", ["class": "number"], Figure.decimal(one.expected, digits: 1)),
                    .element("td", ["class": "number"], Figure.decimal(one.requests, digits: 0)),
                ])
        }
        return Self.section(
            "Canaries that do worst",
            [
                .element(
                    "table",
                    [
                        Self.head(["device", "metric", "observed", "expected", "requests"], numbers: [2, 3, 4]),
                        .element("tbody", rows),
                    ]),
                .element("p", ["class": "hint"], "Expected by each device's own history and by what the fleet did."),
            ])
    }

    /// What would have changed the decision.
    var alternatives: Markup {
        guard !report.alternatives.isEmpty else { return .none }
        let rows = report.alternatives.map { one in
            Markup.element(
                "tr",
                [
                    .element("td", one.what.firstUppercased),
                    .element("td", ["class": one.outcome == .same ? "good" : "notice"], one.result),
                ])
        }
        return Self.section(
            "What would have changed it",
            [
                .element("table", [Self.head(["the same evidence", "gives"]), .element("tbody", rows)]),
                .element(
                    "p", ["class": "hint"],
                    "Each line is the stored evidence of \(report.name(ofStep: report.decidingStep ?? 0)), judged "
                        + "again with one change."
                ),
            ])
    }

    /// The exact parameters, and how to judge again.
    var parameters: Markup {
        let subject = report.subject
        let versions = [subject.from, subject.to].compactMap { $0 }.map { "\($0.name) \($0.digest)" }
        let steps = subject.policy.steps.map(\.description).joined(separator: ", ")
        var rows = [
            ("versions", versions.joined(separator: " to ")),
            (
                "policy",
                "\(subject.policy.name): steps \(steps); error budget \(Figure.percent(subject.policy.errorBudget))"
            ),
        ]
        if let budget = subject.budget?.sentence { rows.append(("budget", budget)) }
        if let guarantee = subject.guarantee { rows.append(("watch", guarantee)) }
        for step in report.steps { rows += Self.parameters(of: step, isDeciding: step.step == report.decidingStep) }
        let cells = rows.map { name, text in
            Markup.element("tr", [.element("th", name), .element("td", [.element("code", text)])])
        }
        let command = "edgectl rollout explain \(subject.id) --decision \(report.decision.number) --recompute"
        return Self.section(
            "To judge it again", [.element("table", [.element("tbody", cells)]), .element("pre", command)])
    }

    private static func parameters(of step: StepReport, isDeciding: Bool) -> [(String, String)] {
        let plan = step.plan
        var rows = [
            (
                plan.isWatch ? "the watch" : "step \(step.step)",
                "seed \(step.seed); \(step.cohortInWords), tick "
                    + "\(Figure.decimal(step.tickSeconds, digits: 0)) s, soak \(plan.soakTicks) ticks, deadline "
                    + "\(plan.deadlineTicks), watch \(plan.watchTicks), excuse \(plan.excuseTicks); budget "
                    + "\(Figure.percent(plan.share)) for harm, \(Figure.percent(plan.updateShare)) for updates, "
                    + "\(Figure.percent(plan.proofLevel)) for each proof"
                    + "; judged \(plan.method.words)"
            )
        ]
        for metric in step.metrics where isDeciding {
            let limit = metric.limit.map { ", limit \(Figure.value($0, metric.kind))" } ?? ""
            rows.append(
                (
                    "",
                    "\(metric.name): \(metric.mode.rawValue), harm \(metric.harm.rawValue), tolerated "
                        + "\(metric.margin.words)\(limit)"
                ))
        }
        if let digest = step.evidenceDigest { rows.append(("", "evidence SHA-256 \(digest)")) }
        return rows
    }
}
