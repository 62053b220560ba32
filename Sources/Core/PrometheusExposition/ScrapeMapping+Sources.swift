extension ScrapeMapping {
    /// Which samples add up to a number.
    public struct Source: Sendable, Hashable, Codable {
        /// The sample's full name.
        public var name: String
        /// Labels that a sample must have with these values.
        public var labels: [String: String]

        /// Names samples.
        public init(_ name: String, labels: [String: String] = [:]) {
            self.name = name
            self.labels = labels
        }

        /// Reads a bare name, or an object with a name and perhaps labels.
        public init(from decoder: any Decoder) throws {
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                self.init(name)
                return
            }
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let labels = try container.decodeIfPresent([String: String].self, forKey: .labels)
            self.init(try container.decode(String.self, forKey: .name), labels: labels ?? [:])
        }

        /// True for a sample of that name, with the suffix added, and with all those labels.
        func matches(_ sample: PrometheusSample, suffix: String = "") -> Bool {
            sample.name == name + suffix && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
    }

    /// Which samples count failures, and how their reasons are called.
    public struct FailureSource: Sendable, Hashable, Codable {
        /// The samples.
        public var source: Source
        /// The label that holds the reason; nil where there is none.
        public var reasonLabel: String?
        /// The reason of a sample without that label.
        public var reason: String

        /// Names samples of failures.
        public init(_ source: Source, reasonLabel: String? = nil, reason: String = unnamedReason) {
            self.source = source
            self.reasonLabel = reasonLabel
            self.reason = reason
        }

        /// Reads an object with a source and perhaps a reason or the label that holds it.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            source = try container.decode(Source.self, forKey: .source)
            reasonLabel = try container.decodeIfPresent(String.self, forKey: .reasonLabel)
            reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? Self.unnamedReason
        }

        /// The reason where the runtime names none.
        public static let unnamedReason = "failed"
    }

    /// Where latencies come from.
    public struct DurationSource: Sendable, Hashable, Codable {
        /// The family's name without `_bucket` and `_sum` for a histogram, the sample's name for a plain sum.
        public var source: Source
        /// True for a histogram, false where the runtime shows only the sum of all latencies.
        public var isHistogram: Bool
        /// How many seconds one unit of the source is, such as 0.000001 for microseconds.
        public var secondsPerUnit: Double

        /// Names a source of latencies.
        public init(_ source: Source, isHistogram: Bool = true, secondsPerUnit: Double = 1) {
            self.source = source
            self.isHistogram = isHistogram
            self.secondsPerUnit = secondsPerUnit
        }

        /// Reads an object with a source; it is a histogram in seconds unless said otherwise.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            source = try container.decode(Source.self, forKey: .source)
            isHistogram = try container.decodeIfPresent(Bool.self, forKey: .isHistogram) ?? true
            secondsPerUnit = try container.decodeIfPresent(Double.self, forKey: .secondsPerUnit) ?? 1
        }
    }
}
