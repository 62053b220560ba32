/// A declaration that breaks a convention of Prometheus or OpenMetrics.
public struct InvalidMetricFamily: Error, Hashable, Sendable, CustomStringConvertible {
    /// The family's name.
    public let name: String
    /// The broken rule, as a clause.
    public let fault: String

    /// A sentence for a person.
    public var description: String { "metric family \"\(name)\" is not valid: \(fault)" }
}

extension MetricFamily {
    /// Labels that targets carry by convention; a metric with one of them would come out as `exported_<name>`.
    ///
    /// Source: Prometheus, "Writing exporters", section Labels.
    public static let reservedLabels: Set<String> = [
        "type", "job", "instance", "region", "zone", "cluster", "env", "service", "team", "owner", "stage", "le",
        "quantile",
    ]

    /// Checks the declaration.
    ///
    /// - Throws: ``InvalidMetricFamily`` with the first broken rule. Sources: Prometheus, "Metric and label naming" and
    ///   "Writing exporters"; OpenMetrics 1.0, "Metric Types".
    public func validate() throws(InvalidMetricFamily) {
        if let fault = nameFault ?? labelFault ?? boundsFault ?? textFault {
            throw InvalidMetricFamily(name: name, fault: fault)
        }
    }

    private var nameFault: String? {
        guard Self.isSnakeCase(name) else { return "a name is lower case letters, digits and single underscores" }
        guard name.hasPrefix("edgeorch_") || name.hasPrefix("process_") else {
            return "a name starts with edgeorch_ or process_"
        }
        guard name.hasSuffix("_total") == (type == .counter) else {
            return "_total ends the names of counters, of all counters, and of nothing else"
        }
        for suffix in ["_created", "_bucket", "_sum", "_count", "_age_seconds"] where name.hasSuffix(suffix) {
            return "\(suffix) may not end a name"
        }
        return nil
    }

    private var labelFault: String? {
        var seen: Set<String> = []
        for label in labels {
            guard Self.isSnakeCase(label.name) else { return "label \"\(label.name)\" is not in snake case" }
            guard !Self.reservedLabels.contains(label.name) else { return "label \"\(label.name)\" is a target's" }
            guard seen.insert(label.name).inserted else { return "label \"\(label.name)\" is given twice" }
            if let known = label.known, Set(known).count != known.count || known.isEmpty {
                return "the known values of label \"\(label.name)\" are empty or repeat"
            }
        }
        return nil
    }

    private var boundsFault: String? {
        guard (type == .histogram) == !bounds.isEmpty else { return "a histogram has bounds, and nothing else has" }
        for (lower, upper) in zip(bounds, bounds.dropFirst()) where lower >= upper {
            return "bound \(upper) does not exceed the bound before it"
        }
        // Outside this range Swift and OpenMetrics write canonical numbers differently.
        guard bounds.allSatisfy({ $0 >= 0.0001 && $0 < 1_000_000 }) else { return "bounds lie in 0.0001..<1000000" }
        return nil
    }

    private var textFault: String? {
        guard help.last == ".", !help.contains("\n") else { return "the help is one line that ends in a period" }
        return labelSetLimit > 0 ? nil : "a family holds at least one label set"
    }

    private static func isSnakeCase(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first), !text.hasSuffix("_") else { return false }
        guard !text.contains("__") else { return false }
        return text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
}
