/// Quantities as people read them.
public enum Quantity {
    /// Bytes in binary units with three figures, such as `12.3 MiB`.
    public static func bytes(_ count: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1023.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(decimal(value, digits: value < 99.95 ? 1 : 0)) \(units[unit])"
    }

    /// A span of time in its two largest units, such as `3m12s`; negative spans count as none.
    public static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "forever" }
        let total = Int(max(0, seconds))
        switch total {
        case ..<60: return "\(total)s"
        case ..<3600: return "\(total / 60)m\(padded(total % 60))s"
        case ..<86_400: return "\(total / 3600)h\(padded(total / 60 % 60))m"
        default: return "\(total / 86_400)d\(padded(total / 3600 % 24))h"
        }
    }

    /// A number with so many digits after its point; without Foundation's formatting, so that it is the same
    /// everywhere.
    public static func decimal(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "-" : value > 0 ? "inf" : "-inf" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(Int(scaled))" }
        let fraction = "\(Int(scaled) % Int(scale))"
        return sign + "\(Int(scaled) / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// A share in 0...1 as percent, such as `2.41 %`.
    public static func percent(_ share: Double) -> String { decimal(share * 100, digits: 2) + " %" }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
