import CanaryAnalysis
import Rollouts
import Terminal

extension ReportView {
    private static let height = 7
    /// Wider plots are no clearer.
    private static let widest = 100

    /// How the evidence and the effect grew up to the decision.
    var plots: [StyledText] {
        guard let step = report.deciding, step.points.count > 1 else { return [] }
        let name = report.decision.metric ?? step.judgement?.leadingMetric ?? ""
        let index = step.metrics.firstIndex { $0.name == name } ?? 0
        guard step.metrics.indices.contains(index) else { return [] }
        let plan = step.metrics[index]
        let metrics = step.points.compactMap { index < $0.metrics.count ? $0.metrics[index] : nil }
        let kind = plan.kind
        let isProof = report.decision.kind == .advance || report.decision.kind == .promote
        let figures = plot { Figure.decimal($0, digits: 1) }
        var lines = titled(
            isProof ? "proof of safety in \(plan.name), and its bound" : "evidence of harm, and its bound",
            isProof
                ? figures.bars(metrics.map(\.safetyEvidence), bound: metrics.map(\.safetyBound), isGood: true)
                : figures.bars(step.points.map(\.evidence), bound: step.points.map(\.bound)), step)
        lines += titled(
            "effect on \(plan.name) with its 95 % interval; \(Figure.effect(kind == .share ? 1 : 0, kind)) is none",
            plot { Figure.effect($0, kind) }.ranges(
                metrics.map(\.effect), lower: metrics.map(\.effectLower), upper: metrics.map(\.effectUpper),
                reference: kind == .share ? 1 : 0, scale: kind == .share ? .logarithmic : .linear), step)
        return lines
    }

    private func plot(_ label: @escaping @Sendable (Double) -> String) -> Plot {
        Plot(columns: min(columns, Self.widest), height: Self.height, palette: palette, label: label)
    }

    private func titled(_ title: String, _ plot: [StyledText], _ step: StepReport) -> [StyledText] {
        guard !plot.isEmpty else { return [] }
        let span = Figure.span(Double(step.points.count) * step.tickSeconds)
        return ["", StyledText("  \(title), over \(span)", .faint)] + plot
    }
}
