/// How the samples of a model runtime become requests, failures, latencies, classes, shares and means.
///
/// Each number is the sum of all samples that a source names. A source names a family and the labels that a sample must
/// have; a sample that lacks the version label counts for every version.
public struct ScrapeMapping: Sendable, Hashable, Codable {
    /// Samples that add up to all finished requests, failed ones included.
    public var requests: [Source]
    /// Samples that add up to the failed requests.
    public var failures: [FailureSource]
    /// Latencies; nil where the runtime shows none.
    public var duration: DurationSource?
    /// Answers by class; nil where the runtime shows none.
    public var classes: ClassSource?
    /// Named shares, such as empty answers or right ones.
    public var shares: [ShareSource]
    /// Named means, such as confidence or memory.
    public var means: [MeanSource]
    /// The label that names the version; nil where the runtime serves one version at a time and does not name it.
    public var versionLabel: String?

    /// Makes a mapping.
    public init(
        requests: [Source], failures: [FailureSource] = [], duration: DurationSource? = nil,
        classes: ClassSource? = nil, shares: [ShareSource] = [], means: [MeanSource] = [], versionLabel: String? = nil
    ) {
        self.requests = requests
        self.failures = failures
        self.duration = duration
        self.classes = classes
        self.shares = shares
        self.means = means
        self.versionLabel = versionLabel
    }

    /// Reads an object; only `requests` must be there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        requests = try container.decode([Source].self, forKey: .requests)
        failures = try container.decodeIfPresent([FailureSource].self, forKey: .failures) ?? []
        duration = try container.decodeIfPresent(DurationSource.self, forKey: .duration)
        classes = try container.decodeIfPresent(ClassSource.self, forKey: .classes)
        shares = try container.decodeIfPresent([ShareSource].self, forKey: .shares) ?? []
        means = try container.decodeIfPresent([MeanSource].self, forKey: .means) ?? []
        versionLabel = try container.decodeIfPresent(String.self, forKey: .versionLabel)
    }

    /// Reads what the runtime counted since it started.
    ///
    /// - Parameters:
    ///   - samples: all samples of one scrape.
    ///   - version: the value of the version label to read, in the runtime's words; nil reads all versions together.
    /// - Returns: a reading; a number without samples is 0, which ``RuntimeReading/requestSamples`` tells apart.
    /// - Throws: ``ScrapeMappingError`` where a sample cannot be a count.
    public func read(_ samples: [PrometheusSample], version: String?) throws(ScrapeMappingError) -> RuntimeReading {
        let relevant = samples.filter { sample in
            guard let version, let versionLabel, let shown = sample.labels[versionLabel] else { return true }
            return shown == version
        }
        var reading = RuntimeReading()
        for sample in relevant {
            for source in requests where source.matches(sample) {
                reading.requests &+= try Self.count(sample)
                reading.requestSamples += 1
            }
            for failure in failures where failure.source.matches(sample) {
                let reason = failure.reasonLabel.flatMap { sample.labels[$0] } ?? failure.reason
                reading.failuresByReason[reason, default: 0] &+= try Self.count(sample)
            }
        }
        if let duration { try duration.read(relevant, into: &reading) }
        try readNamed(relevant, into: &reading)
        return reading
    }

    /// A count as a whole number; fractions are cut off.
    static func count(_ sample: PrometheusSample) throws(ScrapeMappingError) -> UInt64 {
        let value = try amount(sample)
        // From 2^53 on a double no longer counts by ones.
        guard value <= 9_007_199_254_740_992 else { throw ScrapeMappingError(name: sample.name, value: value) }
        return UInt64(value)
    }

    /// A sum: finite and not negative.
    static func amount(_ sample: PrometheusSample) throws(ScrapeMappingError) -> Double {
        guard sample.value.isFinite, sample.value >= 0 else {
            throw ScrapeMappingError(name: sample.name, value: sample.value)
        }
        return sample.value
    }
}

/// A sample that cannot be a running total.
public struct ScrapeMappingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sample's name.
    public let name: String
    /// Its value.
    public let value: Double

    /// A sentence for a person.
    public var description: String {
        "the runtime shows \(name) as \(value), which is no running total: "
            + "map a counter that starts at 0 and never falls"
    }
}
