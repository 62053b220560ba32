/// What one scrape of a model runtime says: running totals since the runtime started.
public struct RuntimeReading: Sendable, Hashable {
    /// How many could have counted, and how many did.
    public struct Share: Sendable, Hashable {
        /// Those that could have counted.
        public var of: UInt64
        /// Those that did.
        public var counted: UInt64

        /// Makes a share.
        public init(of: UInt64, counted: UInt64) {
            self.of = of
            self.counted = counted
        }
    }

    /// How many values, and their sum, which may be negative and fall.
    public struct Mean: Sendable, Hashable {
        /// How many values.
        public var count: UInt64
        /// Their sum.
        public var sum: Double

        /// Makes a mean; of nothing by default.
        public init(count: UInt64 = 0, sum: Double = 0) {
            self.count = count
            self.sum = sum
        }
    }

    /// Finished requests, failed ones included.
    public var requests: UInt64 = 0
    /// How many samples the requests were added up from; 0 where the runtime shows none of them (yet).
    public var requestSamples = 0
    /// Failed requests by reason.
    public var failuresByReason: [String: UInt64] = [:]
    /// Requests up to each bound of the shared list and then all; accumulated.
    ///
    /// The bounds are ``LatencyBounds/seconds``. Empty where the runtime counts no latencies by bounds.
    public var durationBuckets: [UInt64] = []
    /// The sum of all latencies, in seconds.
    public var durationSum: Double = 0
    /// Answers that were put into a class.
    public var answers: UInt64 = 0
    /// Answers by class.
    public var classes: [String: UInt64] = [:]
    /// Named shares.
    public var shares: [String: Share] = [:]
    /// Named means over all values since the runtime started.
    public var means: [String: Mean] = [:]
    /// Named values of the moment.
    public var gauges: [String: Double] = [:]

    /// An empty reading.
    public init() {}

    /// The requests of each bucket alone, not accumulated; empty like ``durationBuckets``.
    public var durationCounts: [UInt64] {
        zip(durationBuckets, [0] + durationBuckets).map { upTo, below in upTo >= below ? upTo - below : 0 }
    }
}

extension ScrapeMapping.DurationSource {
    /// Adds the latencies among the samples to a reading.
    func read(_ samples: [PrometheusSample], into reading: inout RuntimeReading) throws(ScrapeMappingError) {
        let sumSuffix = isHistogram ? "_sum" : ""
        for sample in samples where source.matches(sample, suffix: sumSuffix) {
            reading.durationSum += try ScrapeMapping.amount(sample) * secondsPerUnit
        }
        guard isHistogram else { return }
        // Series of different labels add up bound by bound; they share their bounds because they share a family.
        var upTo: [Double: UInt64] = [:]
        for sample in samples where source.matches(sample, suffix: "_bucket") {
            guard let bound = sample.labels["le"].flatMap(Self.bound) else { continue }
            upTo[bound * secondsPerUnit, default: 0] &+= try ScrapeMapping.count(sample)
        }
        if !upTo.isEmpty { reading.durationBuckets = Self.shared(upTo) }
    }

    /// Counts by the shared bounds: a request counts by the first shared bound at or above its own, so that no latency
    /// looks shorter than it was.
    private static func shared(_ upTo: [Double: UInt64]) -> [UInt64] {
        let known = upTo.sorted { $0.key < $1.key }
        return (LatencyBounds.seconds + [.infinity]).map { bound in
            // The tolerance lets 5 milliseconds of a runtime be the bound of 0.005 seconds.
            known.last { $0.key <= bound * (1 + 1e-9) }?.value ?? 0
        }
    }

    private static func bound(_ text: String) -> Double? {
        switch text.lowercased() {
        case "+inf", "inf": return .infinity
        default:
            guard let value = Double(text), !value.isNaN else { return nil }
            return value
        }
    }
}
