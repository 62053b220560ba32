/// What kind of number a family holds.
public enum MetricType: String, Sendable, Hashable, CaseIterable {
    /// A number of events since the process started; it never falls.
    case counter
    /// A number that may rise and fall.
    case gauge
    /// Observations counted by upper bounds, with their sum.
    case histogram
}

/// One label of a family.
public struct MetricLabel: Sendable, Hashable {
    /// The label's name, such as `model`.
    public let name: String
    /// The values known in advance; nil where they come from outside, as names of models do.
    public let known: [String]?

    /// Declares a label.
    public init(_ name: String, known: [String]? = nil) {
        self.name = name
        self.known = known
    }
}

/// The declaration of a metric family: everything about it but its values.
public struct MetricFamily: Sendable, Hashable {
    /// The full name, such as `edgeorch_inference_requests_total`.
    public let name: String
    /// What kind of number it holds.
    public let type: MetricType
    /// The labels in the order in which values are given and written.
    public let labels: [MetricLabel]
    /// What it counts or measures, as one sentence.
    public let help: String
    /// The finite upper bounds of a histogram, rising, in the family's unit; empty for other types.
    public let bounds: [Double]
    /// How many label sets the family may hold; a further one is folded into `other`.
    public let labelSetLimit: Int
    /// True when the values are read anew at each scrape, as those of gauges are; false when events add up to them.
    public let isCollected: Bool

    /// Declares a family; ``validate()`` says whether the declaration follows the conventions.
    public init(
        _ name: String, _ type: MetricType, labels: [MetricLabel] = [], help: String, bounds: [Double] = [],
        labelSetLimit: Int? = nil, isCollected: Bool? = nil
    ) {
        self.name = name
        self.type = type
        self.labels = labels
        self.help = help
        self.bounds = bounds
        self.labelSetLimit = labelSetLimit ?? (type == .histogram ? 100 : 500)
        self.isCollected = isCollected ?? (type == .gauge)
    }

    /// The name that OpenMetrics gives the family: without `_total` for a counter.
    public var openMetricsName: String {
        type == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
    }

    /// The base unit that ends the name: `seconds`, `bytes` or `ratio`; nil for plain counts.
    public var unit: String? {
        let stem = openMetricsName
        return ["seconds", "bytes", "ratio"].first { stem.hasSuffix("_" + $0) }
    }

    /// True when a label takes values that are not known in advance, so that a limit is needed.
    public var isOpen: Bool { labels.contains { $0.known == nil } }
}

/// A family that counts events.
public struct CounterFamily: Sendable, Hashable {
    /// The declaration.
    public let family: MetricFamily

    /// Declares a counter; a collected one takes its value from the scrape's snapshot.
    public init(
        _ name: String, _ labels: [MetricLabel] = [], help: String, labelSetLimit: Int? = nil,
        isCollected: Bool = false
    ) {
        family = MetricFamily(
            name, .counter, labels: labels, help: help, labelSetLimit: labelSetLimit, isCollected: isCollected)
    }
}

/// A family that shows a state.
public struct GaugeFamily: Sendable, Hashable {
    /// The declaration.
    public let family: MetricFamily

    /// Declares a gauge.
    public init(_ name: String, _ labels: [MetricLabel] = [], help: String, labelSetLimit: Int? = nil) {
        family = MetricFamily(name, .gauge, labels: labels, help: help, labelSetLimit: labelSetLimit)
    }
}

/// A family that counts observations by upper bounds.
public struct HistogramFamily: Sendable, Hashable {
    /// The declaration.
    public let family: MetricFamily

    /// Declares a histogram.
    public init(
        _ name: String, _ labels: [MetricLabel] = [], help: String, bounds: [Double], labelSetLimit: Int? = nil
    ) {
        family = MetricFamily(
            name, .histogram, labels: labels, help: help, bounds: bounds, labelSetLimit: labelSetLimit)
    }
}
