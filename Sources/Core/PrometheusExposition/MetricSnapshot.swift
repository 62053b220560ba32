/// What the collected families show at one scrape: filled anew from the current state each time, so nothing goes stale.
public struct MetricSnapshot: Sendable {
    /// One sample of a collected family.
    struct Sample: Sendable {
        let labelText: String
        let value: Double
    }

    private var samples: [String: [Sample]] = [:]

    init() {}

    /// Shows a gauge.
    ///
    /// - Parameters:
    ///   - gauge: the family.
    ///   - labels: the label values in the order of the declaration.
    ///   - value: in the family's unit. Where a label set is given twice, the last value counts.
    public mutating func gauge(_ gauge: GaugeFamily, _ labels: [String] = [], _ value: Double) {
        add(gauge.family, labels, value)
    }

    /// Shows which of a label's known values holds: 1 for that one, 0 for each other.
    ///
    /// - Parameters:
    ///   - gauge: a family whose last label has known values, such as `edgeorch_rollout_state`.
    ///   - labels: the values of the labels before the last.
    ///   - value: the value of the last label that holds.
    public mutating func state(_ gauge: GaugeFamily, _ labels: [String], is value: String) {
        for known in gauge.family.labels.last?.known ?? [] {
            add(gauge.family, labels + [known], known == value ? 1 : 0)
        }
    }

    /// Shows a counter that is kept elsewhere, such as the process's CPU time.
    public mutating func counter(_ counter: CounterFamily, _ labels: [String] = [], _ value: Double) {
        guard counter.family.isCollected else {
            assertionFailure("\(counter.family.name) is counted by events, not collected")
            return
        }
        add(counter.family, labels, value)
    }

    /// The samples of a family, sorted and without repetition, and how many label sets exceeded its limit.
    func sortedSamples(of family: MetricFamily) -> (samples: [Sample], dropped: Int) {
        guard let all = samples[family.name] else { return ([], 0) }
        let ordered = all.enumerated().sorted { left, right in
            (left.element.labelText, left.offset) < (right.element.labelText, right.offset)
        }
        var unique: [Sample] = []
        unique.reserveCapacity(ordered.count)
        for (_, sample) in ordered {
            if unique.last?.labelText == sample.labelText { unique.removeLast() }
            unique.append(sample)
        }
        let dropped = max(0, unique.count - family.labelSetLimit)
        return (Array(unique.prefix(family.labelSetLimit)), dropped)
    }

    private mutating func add(_ family: MetricFamily, _ labels: [String], _ value: Double) {
        guard labels.count == family.labels.count else {
            assertionFailure("\(family.name) takes \(family.labels.count) label values and got \(labels.count)")
            return
        }
        let sample = Sample(labelText: LabelText.make(family.labels, labels), value: value)
        samples[family.name, default: []].append(sample)
    }
}
