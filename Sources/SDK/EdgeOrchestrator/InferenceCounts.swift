internal import Fleet
internal import PrometheusExposition

/// Why an inference failed; the judge counts failures of every kind together, people see them apart.
public enum InferenceFailure: String, Hashable, Sendable, CaseIterable {
    /// The runtime reported an error.
    case error
    /// There was no answer in time.
    case timeout
    /// The input could not be used.
    case invalidInput = "invalid_input"
    /// Memory was short.
    case outOfMemory = "out_of_memory"

    fileprivate var index: Int {
        switch self {
        case .error: 0
        case .timeout: 1
        case .invalidInput: 2
        case .outOfMemory: 3
        }
    }
}

/// Running totals in arrays of fixed length, so that a count costs no memory.
struct InferenceCounts {
    /// The bounds of the latency buckets in microseconds.
    private static let bounds: [UInt64] = LatencyBounds.seconds.map { UInt64(($0 * 1_000_000).rounded()) }

    private let bounds = Self.bounds
    private var buckets = [UInt64](repeating: 0, count: LatencyBounds.bucketCount)
    private var failures = [UInt64](repeating: 0, count: InferenceFailure.allCases.count)
    private var requests: UInt64 = 0
    private var latencySumMicroseconds: UInt64 = 0
    private var confidence = MeanTotals()

    /// Counts one inference.
    mutating func count(microseconds: UInt64, failure: InferenceFailure?, confidence value: Double?) {
        requests &+= 1
        latencySumMicroseconds &+= microseconds
        var bucket = 0
        while bucket < bounds.count, microseconds > bounds[bucket] { bucket += 1 }
        buckets[bucket] &+= 1
        if let failure { failures[failure.index] &+= 1 }
        if let value, value.isFinite {
            confidence.count &+= 1
            if value >= 0 { confidence.above += value } else { confidence.below -= value }
        }
    }

    /// The totals as they are reported.
    var totals: RuntimeTotals {
        var totals = RuntimeTotals(
            requests: requests, latencyBuckets: buckets, latencySumMicroseconds: latencySumMicroseconds)
        for failure in InferenceFailure.allCases where failures[failure.index] > 0 {
            totals.failures[failure.rawValue] = failures[failure.index]
        }
        if confidence.count > 0 { totals.means["confidence"] = confidence }
        return totals
    }
}
