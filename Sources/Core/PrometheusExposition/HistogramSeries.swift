import Synchronization

/// One histogram with its label values: resolve it once, then observe from any thread.
public final class HistogramSeries: MetricSeries {
    /// What was observed so far.
    struct Observations: Sendable {
        /// One count per bound and one for everything above; not accumulated.
        var counts: [UInt64]
        /// The sum of all observed values.
        var sum: Double
    }

    let values: [String]
    let labelText: String
    private let bounds: [Double]
    private let observations: Mutex<Observations>
    private let retired = Atomic<Bool>(false)

    init(family: MetricFamily, values: [String], labelText: String) {
        self.values = values
        self.labelText = labelText
        bounds = family.bounds
        let counts = [UInt64](repeating: 0, count: family.bounds.count + 1)
        observations = Mutex(Observations(counts: counts, sum: 0))
    }

    /// Counts one observation.
    ///
    /// A negative value, such as a delay measured by two clocks, counts as 0 because a histogram's sum may not fall;
    /// a value that is not finite is left out.
    public func observe(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        observations.withLock { observations in
            observations.counts[bucket] &+= 1
            observations.sum += max(0, value)
        }
    }

    /// Adds observations that were counted elsewhere by the same bounds.
    ///
    /// - Parameters:
    ///   - counts: one per bound, then one for everything above; not accumulated. Counts that are missing are zero, and
    ///     those that are too many belong to the last bucket.
    ///   - sum: of the observed values; left out unless finite and not negative.
    public func addBuckets(counts: [UInt64], sum: Double) {
        observations.withLock { observations in
            for (index, count) in counts.enumerated() {
                observations.counts[min(index, bounds.count)] &+= count
            }
            if sum.isFinite, sum > 0 { observations.sum += sum }
        }
    }

    /// How many observations there are.
    public var count: UInt64 { current.counts.reduce(0, &+) }

    /// The sum of all observed values.
    public var sum: Double { current.sum }

    /// True once the series was retired: what is added from then on is not shown, so resolve the series anew.
    public var isRetired: Bool { retired.load(ordering: .relaxed) }

    /// Buckets and sum as they belong together.
    var current: Observations { observations.withLock { $0 } }

    func markRetired() {
        retired.store(true, ordering: .relaxed)
    }
}
