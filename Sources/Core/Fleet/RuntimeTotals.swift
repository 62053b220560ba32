/// What a model runtime has counted since it started, for one version: running totals that never fall.
public struct RuntimeTotals: Codable, Hashable, Sendable {
    /// Inference requests finished, failed ones included.
    public var requests: UInt64
    /// Failed requests by reason; a reason that is absent counted nothing.
    public var failures: [String: UInt64]
    /// Requests by latency: one count per bound of the shared list, then one for everything slower.
    ///
    /// Not accumulated.
    public var latencyBuckets: [UInt64]
    /// Sum of all latencies, in microseconds.
    public var latencySumMicroseconds: UInt64
    /// Sum of the top class's probability over the answered requests, in millionths.
    public var confidenceSumMillionths: UInt64
    /// How many requests the confidence sum is over.
    public var confidenceCount: UInt64

    /// Makes totals; all zero by default.
    public init(
        requests: UInt64 = 0, failures: [String: UInt64] = [:], latencyBuckets: [UInt64] = [],
        latencySumMicroseconds: UInt64 = 0, confidenceSumMillionths: UInt64 = 0, confidenceCount: UInt64 = 0
    ) {
        self.requests = requests
        self.failures = failures
        self.latencyBuckets = latencyBuckets
        self.latencySumMicroseconds = latencySumMicroseconds
        self.confidenceSumMillionths = confidenceSumMillionths
        self.confidenceCount = confidenceCount
    }

    /// Failures of all reasons together.
    public var allFailures: UInt64 { failures.values.reduce(0, &+) }

    /// True when nothing was counted.
    public var isZero: Bool {
        requests == 0 && allFailures == 0 && confidenceCount == 0 && latencyBuckets.allSatisfy { $0 == 0 }
    }

    /// The larger of both, number by number: with totals that never fall, the later state whatever the order of
    /// arrival.
    public func maximum(_ other: RuntimeTotals) -> RuntimeTotals {
        merged(with: other, by: max)
    }

    /// The sum of both, number by number.
    public func adding(_ other: RuntimeTotals) -> RuntimeTotals {
        merged(with: other) { $0 &+ $1 }
    }

    /// What these totals count beyond `base`, number by number; a number below the base counts as nothing.
    public func subtracting(_ base: RuntimeTotals) -> RuntimeTotals {
        merged(with: base) { $0 > $1 ? $0 - $1 : 0 }
    }

    private func merged(with other: RuntimeTotals, by combine: (UInt64, UInt64) -> UInt64) -> RuntimeTotals {
        var merged = RuntimeTotals(
            requests: combine(requests, other.requests),
            latencySumMicroseconds: combine(latencySumMicroseconds, other.latencySumMicroseconds),
            confidenceSumMillionths: combine(confidenceSumMillionths, other.confidenceSumMillionths),
            confidenceCount: combine(confidenceCount, other.confidenceCount))
        for reason in Set(failures.keys).union(other.failures.keys) {
            merged.failures[reason] = combine(failures[reason] ?? 0, other.failures[reason] ?? 0)
        }
        for index in 0..<max(latencyBuckets.count, other.latencyBuckets.count) {
            merged.latencyBuckets.append(
                combine(
                    index < latencyBuckets.count ? latencyBuckets[index] : 0,
                    index < other.latencyBuckets.count ? other.latencyBuckets[index] : 0))
        }
        return merged
    }
}

/// Which counters belong together: one version served by one start of one model's runtime.
public struct RuntimeSeries: Codable, Hashable, Comparable, Sendable {
    /// The model.
    public let model: ModelName
    /// The digest of the version that was served.
    public let digest: Digest
    /// When the runtime's process started, milliseconds since 1970 on the device's clock; made unique by the agent.
    public let start: Int64

    /// Names a series.
    public init(model: ModelName, digest: Digest, start: Int64) {
        self.model = model
        self.digest = digest
        self.start = start
    }

    /// Orders by model, start and digest.
    public static func < (left: Self, right: Self) -> Bool {
        (left.model, left.start, left.digest) < (right.model, right.start, right.digest)
    }
}
