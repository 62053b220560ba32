public import CanaryAnalysis

/// Numbers in the sentences and tables of a report; without a library's formatting, so that they are the same
/// everywhere.
public enum Figure {
    /// A number with so many digits after its point, or `-` where there is none.
    public static func decimal(_ value: Double?, digits: Int = 2) -> String {
        guard let value, !value.isNaN else { return "-" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return value.isFinite ? "\(value)" : value < 0 ? "-infinity" : "infinity" }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(Int(scaled))" }
        let fraction = "\(Int(scaled) % Int(scale))"
        return sign + "\(Int(scaled) / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// A share in 0...1 as percent, or `-` where there is none; small ones with more digits.
    public static func percent(_ share: Double?) -> String {
        guard let share else { return "-" }
        return decimal(share * 100, digits: abs(share) < 0.001 && share != 0 ? 4 : 2) + " %"
    }

    /// A share in percent, or a mean in its own unit; `-` where there is none.
    public static func value(_ value: Double?, _ kind: MetricPlan.Kind) -> String {
        switch kind {
        case .share: percent(value)
        case .mean: decimal(value, digits: 3)
        }
    }

    /// An effect: `x1.25` of a share, `+0.20` of a mean; `-` where there is none.
    public static func effect(_ effect: Double?, _ kind: MetricPlan.Kind) -> String {
        guard let effect else { return "-" }
        switch kind {
        case .share: return "x" + decimal(effect)
        case .mean: return (effect < 0 ? "" : "+") + decimal(effect, digits: 3)
        }
    }

    /// A span of time in its two largest units, such as `3 min 12 s`.
    public static func span(_ seconds: Double) -> String {
        let total = seconds.isFinite ? Int(max(0, min(seconds, 1e12)).rounded()) : 0
        let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { total >= $0.1 }) else { return "0 s" }
        let large = "\(total / units[first].1) \(units[first].0)"
        guard first + 1 < units.count else { return large }
        let small = total % units[first].1 / units[first + 1].1
        return small == 0 ? large : large + " \(small) \(units[first + 1].0)"
    }
}

extension Margin {
    /// What is tolerated in words.
    public var words: String {
        switch self {
        case .relative(let ratio): "x" + Figure.decimal(ratio)
        case .absolute(let difference): "+" + Figure.decimal(difference, digits: abs(difference) < 0.01 ? 4 : 2)
        }
    }
}
