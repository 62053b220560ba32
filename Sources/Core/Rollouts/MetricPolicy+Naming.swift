public import CanaryAnalysis
import Fleet

extension MetricPolicy {
    /// What a metric of some name is measured from.
    public enum Source: Hashable, Sendable {
        /// Requests, their failures and their latency: what every runtime counts.
        case counted
        /// A named share: in 0...1.
        case share
        /// A named mean, in a unit of its own.
        case mean
    }

    /// What a metric of this name is measured from, as far as the name alone says.
    public static func source(of name: String) -> Source {
        switch name {
        case "failures", "latency", "latency_p50", "latency_p90", "latency_p99": .counted
        case "empty_answers", "accuracy": .share
        case _ where name.hasPrefix(MeasurementName.classPrefix): .share
        default: .mean
        }
    }

    /// Whether a metric may have this name.
    public static func isName(_ name: String) -> Bool {
        switch source(of: name) {
        case .counted: return true
        case .share where name.hasPrefix(MeasurementName.classPrefix):
            return MeasurementName.isClass(String(name.dropFirst(MeasurementName.classPrefix.count)))
        case .share, .mean: return MeasurementName.isFree(name)
        }
    }

    /// The policy that holds for a judged metric: its own, or that of all latency for a quantile without one.
    public static func policy(for metric: String, among policies: [MetricPolicy]) -> MetricPolicy? {
        policies.first { $0.name == metric }
            ?? (metric.hasPrefix("latency_") ? policies.first { $0.name == "latency" } : nil)
    }

    /// Whether this policy is about a judged metric.
    func covers(_ metric: String) -> Bool {
        name == metric || (name == "latency" && metric.hasPrefix("latency_"))
    }
}
