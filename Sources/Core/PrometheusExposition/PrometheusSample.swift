/// One sample as a scraped process shows it.
public struct PrometheusSample: Sendable, Hashable {
    /// The full name, with `_bucket`, `_sum`, `_count` or `_total` where it has one.
    public let name: String
    /// The labels, unescaped.
    public let labels: [String: String]
    /// The value; may be NaN or infinite.
    public let value: Double

    /// Makes a sample.
    public init(name: String, labels: [String: String] = [:], value: Double) {
        self.name = name
        self.labels = labels
        self.value = value
    }
}

/// A text that is not Prometheus exposition, or too much of it.
public enum PrometheusTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is larger than the limit.
    case tooLarge(bytes: Int, limitBytes: Int)
    /// There are more samples than the limit.
    case tooManySamples(limit: Int)
    /// A sample has more labels than the limit.
    case tooManyLabels(line: Int, limit: Int)
    /// A line, counted from 1, cannot be read for the reason that the clause names.
    case malformed(line: Int, fault: String)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit):
            "the metrics text has \(bytes) bytes and at most \(limit) are read: expose fewer series"
        case .tooManySamples(let limit):
            "the metrics text has more than \(limit) samples: expose fewer series"
        case .tooManyLabels(let line, let limit):
            "line \(line) of the metrics text has more than \(limit) labels"
        case .malformed(let line, let fault):
            "line \(line) of the metrics text is not a Prometheus sample: \(fault); is this the metrics address?"
        }
    }
}
