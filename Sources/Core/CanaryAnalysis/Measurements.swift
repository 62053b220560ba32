/// Everything one device measured on one version over some time, before it is known what will be judged.
///
/// The shares and means are in the order of their ``MeasurementNames``; missing ones measured nothing.
public struct Measurements: Codable, Hashable, Sendable {
    /// Requests finished, failed ones included.
    public var requests: Double
    /// Failures among them.
    public var failures: Double
    /// Requests by latency: one count per bound, then one for everything slower; not accumulated.
    public var latency: [Double]
    /// Named shares: requests that could have counted, and how many did (empty answers, answers of a class).
    public var shares: [Tally]
    /// Named means: samples, and the sum of their values.
    public var means: [Tally]

    /// Makes measurements; none by default.
    public init(
        requests: Double = 0, failures: Double = 0, latency: [Double] = [], shares: [Tally] = [], means: [Tally] = []
    ) {
        self.requests = requests
        self.failures = failures
        self.latency = latency
        self.shares = shares
        self.means = means
    }

    /// True where nothing was measured.
    public var isEmpty: Bool {
        requests == 0 && failures == 0 && shares.allSatisfy { $0.count == 0 } && means.allSatisfy { $0.count == 0 }
    }

    /// Adds what was measured beside it.
    public static func += (left: inout Measurements, right: Measurements) {
        left.requests += right.requests
        left.failures += right.failures
        for (index, count) in right.latency.enumerated() {
            if index < left.latency.count { left.latency[index] += count } else { left.latency.append(count) }
        }
        for (index, tally) in right.shares.enumerated() {
            if index < left.shares.count { left.shares[index] += tally } else { left.shares.append(tally) }
        }
        for (index, tally) in right.means.enumerated() {
            if index < left.means.count { left.means[index] += tally } else { left.means.append(tally) }
        }
    }
}

/// What the places in ``Measurements`` stand for.
public struct MeasurementNames: Codable, Hashable, Sendable {
    /// Upper bounds of the latency buckets in seconds, growing.
    public var latencyBounds: [Double]
    /// The named shares, such as `empty_answers` or `class:cat`.
    public var shares: [String]
    /// The named means, such as `confidence` or `memory_bytes`.
    public var means: [String]

    /// Names measurements; none by default.
    public init(latencyBounds: [Double] = [], shares: [String] = [], means: [String] = []) {
        self.latencyBounds = latencyBounds
        self.shares = shares
        self.means = means
    }
}
