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
    /// Answers that were put into a class.
    public var answers: UInt64
    /// Answers by class; a class that is absent was never the answer.
    public var classes: [String: UInt64]
    /// Other shares by their name, such as `empty_answers` or `accuracy`.
    public var shares: [String: ShareTotals]
    /// Means by their name, such as `confidence` or `memory_bytes`.
    public var means: [String: MeanTotals]

    /// Makes totals; all zero by default.
    public init(
        requests: UInt64 = 0, failures: [String: UInt64] = [:], latencyBuckets: [UInt64] = [],
        latencySumMicroseconds: UInt64 = 0
    ) {
        self.requests = requests
        self.failures = failures
        self.latencyBuckets = latencyBuckets
        self.latencySumMicroseconds = latencySumMicroseconds
        answers = 0
        classes = [:]
        shares = [:]
        means = [:]
    }

    /// Failures of all reasons together.
    public var allFailures: UInt64 { failures.values.reduce(0, &+) }

    /// True when nothing was counted.
    public var isZero: Bool {
        requests == 0 && allFailures == 0 && answers == 0 && latencyBuckets.allSatisfy { $0 == 0 }
            && shares.values.allSatisfy { $0.of == 0 } && means.values.allSatisfy { $0.count == 0 }
    }

    /// How many classes, shares and means have a name here.
    public var namedCount: Int { classes.count + shares.count + means.count }

    /// The larger of both, number by number: with totals that never fall, the later state whatever the order of
    /// arrival.
    public func maximum(_ other: RuntimeTotals) -> RuntimeTotals {
        merged(with: other, by: max, and: max)
    }

    /// The sum of both, number by number.
    public func adding(_ other: RuntimeTotals) -> RuntimeTotals {
        merged(with: other, by: { $0 &+ $1 }, and: +)
    }

    /// What these totals count beyond `base`, number by number; a number below the base counts as nothing.
    public func subtracting(_ base: RuntimeTotals) -> RuntimeTotals {
        merged(with: base, by: { $0 > $1 ? $0 - $1 : 0 }, and: { max(0, $0 - $1) })
    }

    private func merged(
        with other: RuntimeTotals, by combine: (UInt64, UInt64) -> UInt64, and combineSums: (Double, Double) -> Double
    ) -> RuntimeTotals {
        var merged = RuntimeTotals(
            requests: combine(requests, other.requests),
            latencySumMicroseconds: combine(latencySumMicroseconds, other.latencySumMicroseconds))
        for reason in Set(failures.keys).union(other.failures.keys) {
            merged.failures[reason] = combine(failures[reason] ?? 0, other.failures[reason] ?? 0)
        }
        for index in 0..<max(latencyBuckets.count, other.latencyBuckets.count) {
            merged.latencyBuckets.append(
                combine(
                    index < latencyBuckets.count ? latencyBuckets[index] : 0,
                    index < other.latencyBuckets.count ? other.latencyBuckets[index] : 0))
        }
        merged.answers = combine(answers, other.answers)
        for name in Set(classes.keys).union(other.classes.keys) {
            merged.classes[name] = combine(classes[name] ?? 0, other.classes[name] ?? 0)
        }
        for name in Set(shares.keys).union(other.shares.keys) {
            merged.shares[name] = (shares[name] ?? ShareTotals())
                .merged(with: other.shares[name] ?? ShareTotals(), by: combine)
        }
        for name in Set(means.keys).union(other.means.keys) {
            merged.means[name] = (means[name] ?? MeanTotals())
                .merged(with: other.means[name] ?? MeanTotals(), by: combine, and: combineSums)
        }
        return merged
    }
}

extension RuntimeTotals {
    private enum CodingKeys: String, CodingKey {
        case requests, failures, latencyBuckets, latencySumMicroseconds, answers, classes, shares, means
    }

    /// Reads totals; what is named may be left out.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            requests: try fields.decode(UInt64.self, forKey: .requests),
            failures: try fields.decode([String: UInt64].self, forKey: .failures),
            latencyBuckets: try fields.decode([UInt64].self, forKey: .latencyBuckets),
            latencySumMicroseconds: try fields.decode(UInt64.self, forKey: .latencySumMicroseconds))
        answers = try fields.decodeIfPresent(UInt64.self, forKey: .answers) ?? 0
        classes = try fields.decodeIfPresent([String: UInt64].self, forKey: .classes) ?? [:]
        shares = try fields.decodeIfPresent([String: ShareTotals].self, forKey: .shares) ?? [:]
        means = try fields.decodeIfPresent([String: MeanTotals].self, forKey: .means) ?? [:]
    }

    /// Writes totals; what is named only where there is something.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(requests, forKey: .requests)
        try fields.encode(failures, forKey: .failures)
        try fields.encode(latencyBuckets, forKey: .latencyBuckets)
        try fields.encode(latencySumMicroseconds, forKey: .latencySumMicroseconds)
        if answers > 0 { try fields.encode(answers, forKey: .answers) }
        if !classes.isEmpty { try fields.encode(classes, forKey: .classes) }
        if !shares.isEmpty { try fields.encode(shares, forKey: .shares) }
        if !means.isEmpty { try fields.encode(means, forKey: .means) }
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
