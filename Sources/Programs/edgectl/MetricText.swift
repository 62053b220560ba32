import CanaryAnalysis
import Terminal

/// A metric's figures as people read them: shares in percent, means as numbers, each effect and tolerance in its unit.
struct MetricText {
    let metric: MetricJudgement

    /// Canary, baseline, effect and tolerance in one line.
    var line: String {
        "canary \(value(metric.canaryValue)) of \(Rendering.number(metric.canaryRequests, digits: 0)), "
            + "baseline \(value(metric.baselineValue)) of \(Rendering.number(metric.baselineRequests, digits: 0)), "
            + "effect \(Self.effect(metric.effect, metric.kind))\(interval), tolerated \(tolerance)"
    }

    /// A share in percent, or a mean.
    func value(_ value: Double?) -> String {
        guard let value else { return "-" }
        switch metric.kind {
        case .share: return Quantity.percent(value)
        case .mean: return Self.number(value)
        }
    }

    /// The effects that the data do not refuse; empty where nothing bounds them.
    var interval: String {
        func end(_ effect: Double?) -> String { effect.map { Self.effect($0, metric.kind) } ?? "-" }
        return metric.effectLower == nil && metric.effectUpper == nil
            ? "" : " [\(end(metric.effectLower)), \(end(metric.effectUpper))]"
    }

    /// What is tolerated, in the direction of harm.
    var tolerance: String {
        switch (metric.margin, metric.harm) {
        case (.relative(let factor), .up): return "x\(Rendering.number(factor))"
        case (.relative(let factor), .down), (.relative(let factor), .either):
            return "x\(Rendering.number(factor)) of what is missing"
        case (.absolute(let margin), .up): return "+" + amount(margin)
        case (.absolute(let margin), .down): return "-" + amount(margin)
        case (.absolute(let margin), .either): return "+-" + amount(margin)
        }
    }

    private func amount(_ margin: Double) -> String {
        switch metric.kind {
        case .share: "\(Quantity.decimal(margin * 100, digits: 2)) points"
        case .mean: Self.number(margin)
        }
    }

    /// An effect: a ratio of shares or of events, a difference of means.
    static func effect(_ effect: Double, _ kind: MetricPlan.Kind?) -> String {
        switch kind {
        case .share, nil: "x\(Rendering.number(effect))"
        case .mean: (effect > 0 ? "+" : "") + number(effect)
        }
    }

    /// A mean with as many digits as say something.
    static func number(_ value: Double) -> String {
        let size = abs(value)
        return Quantity.decimal(value, digits: size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4)
    }
}
