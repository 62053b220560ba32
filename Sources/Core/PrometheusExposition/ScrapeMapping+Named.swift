extension ScrapeMapping {
    /// A counter whose label says which class an answer was put into.
    public struct ClassSource: Sendable, Hashable, Codable {
        /// The samples, one per class; together they are all answers that were put into a class.
        public var source: Source
        /// The label that holds the class.
        public var label: String

        /// Names samples of classes.
        public init(_ source: Source, label: String) {
            self.source = source
            self.label = label
        }
    }

    /// A share: which samples count what could have counted, and which count what did.
    public struct ShareSource: Sendable, Hashable, Codable {
        /// What the share is called, such as `empty_answers` or `accuracy`.
        public var name: String
        /// Samples that add up to what counted.
        public var counted: [Source]
        /// Samples that add up to what could have counted; nil for all requests.
        public var of: [Source]?

        /// Names samples of a share.
        public init(_ name: String, counted: [Source], of: [Source]? = nil) {
            self.name = name
            self.counted = counted
            self.of = of
        }
    }

    /// A mean: a running sum with its count, or a gauge that is sampled at each scrape.
    public struct MeanSource: Sendable, Hashable, Codable {
        /// What the mean is called, such as `confidence` or `memory_bytes`.
        public var name: String
        /// The sum of all values since the runtime started.
        public var sum: Source?
        /// How many values that sum is over.
        public var count: Source?
        /// A value of the moment; the samples that match add up to it.
        public var gauge: Source?

        /// Names a running sum and its count.
        public init(_ name: String, sum: Source, count: Source) {
            self.name = name
            self.sum = sum
            self.count = count
        }

        /// Names a gauge.
        public init(_ name: String, gauge: Source) {
            self.name = name
            self.gauge = gauge
        }
    }

    /// Why the mapping cannot be used, one sentence per fault, with `isFree` saying which names are allowed; empty
    /// where it can.
    public func faults(isFree: (String) -> Bool) -> [String] {
        var faults: [String] = []
        var seen: Set<String> = []
        for name in shares.map(\.name) + means.map(\.name) {
            if !isFree(name) {
                faults.append(
                    "mapping: \(name) cannot name a metric; use a small letter, then small letters, digits and _, "
                        + "and no name that the product uses itself")
            }
            if !seen.insert(name).inserted { faults.append("mapping: \(name) is named twice") }
        }
        for mean in means where (mean.gauge == nil) == (mean.sum == nil || mean.count == nil) {
            faults.append("mapping: the mean \(mean.name) needs either sum and count, or gauge")
        }
        return faults
    }

    /// Adds what is named among the samples to a reading.
    func readNamed(_ samples: [PrometheusSample], into reading: inout RuntimeReading) throws(ScrapeMappingError) {
        if let classes {
            for sample in samples where classes.source.matches(sample) {
                guard let name = sample.labels[classes.label] else { continue }
                let count = try Self.count(sample)
                reading.answers &+= count
                reading.classes[name, default: 0] &+= count
            }
        }
        for share in shares {
            let (counted, found) = try Self.total(share.counted, in: samples)
            let of = try share.of.map { sources throws(ScrapeMappingError) in try Self.total(sources, in: samples) }
            guard found || of?.found == true else { continue }
            reading.shares[share.name] = RuntimeReading.Share(of: of?.count ?? reading.requests, counted: counted)
        }
        for mean in means { try mean.read(samples, into: &reading) }
    }

    private static func total(
        _ sources: [Source], in samples: [PrometheusSample]
    ) throws(ScrapeMappingError) -> (count: UInt64, found: Bool) {
        var total: UInt64 = 0
        var found = false
        for sample in samples where sources.contains(where: { $0.matches(sample) }) {
            total &+= try count(sample)
            found = true
        }
        return (total, found)
    }
}

extension ScrapeMapping.MeanSource {
    fileprivate func read(
        _ samples: [PrometheusSample], into reading: inout RuntimeReading
    ) throws(ScrapeMappingError) {
        if let gauge {
            let values = samples.filter { gauge.matches($0) && $0.value.isFinite }.map(\.value)
            if !values.isEmpty { reading.gauges[name] = values.reduce(0, +) }
        }
        guard let sum, let count else { return }
        var mean = RuntimeReading.Mean()
        for sample in samples where count.matches(sample) { mean.count &+= try ScrapeMapping.count(sample) }
        for sample in samples where sum.matches(sample) {
            guard sample.value.isFinite else { throw ScrapeMappingError(name: sample.name, value: sample.value) }
            mean.sum += sample.value
        }
        if mean.count > 0 { reading.means[name] = mean }
    }
}
