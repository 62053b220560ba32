/// Running totals of a named share: how many could have counted, and how many did.
///
/// Written as `[of, counted]`.
public struct ShareTotals: Hashable, Sendable {
    /// Requests or answers that could have counted.
    public var of: UInt64
    /// Those that did.
    public var counted: UInt64

    /// Makes totals; zero by default.
    public init(of: UInt64 = 0, counted: UInt64 = 0) {
        self.of = of
        self.counted = counted
    }

    func merged(with other: ShareTotals, by combine: (UInt64, UInt64) -> UInt64) -> ShareTotals {
        ShareTotals(of: combine(of, other.of), counted: combine(counted, other.counted))
    }
}

extension ShareTotals: Codable {
    /// Reads `[of, counted]`.
    public init(from decoder: any Decoder) throws {
        var numbers = try decoder.unkeyedContainer()
        self.init(of: try numbers.decode(UInt64.self), counted: try numbers.decode(UInt64.self))
    }

    /// Writes `[of, counted]`.
    public func encode(to encoder: any Encoder) throws {
        var numbers = encoder.unkeyedContainer()
        try numbers.encode(of)
        try numbers.encode(counted)
    }
}

/// Running totals of a named mean: how many values, and the sums of those above and of those below zero.
///
/// A sum of values of both signs may fall; its two parts never do, so that the larger of two totals is the later one.
/// Written as `[count, above]`, and as `[count, above, below]` where there is something below.
public struct MeanTotals: Hashable, Sendable {
    /// How many values.
    public var count: UInt64
    /// What raised the sum, at least 0, in the mean's unit.
    public var above: Double
    /// What lowered it, at least 0.
    public var below: Double

    /// Makes totals; zero by default.
    public init(count: UInt64 = 0, above: Double = 0, below: Double = 0) {
        self.count = count
        self.above = above
        self.below = below
    }

    /// Makes the totals of a single value.
    public init(value: Double) {
        self.init(count: 1, above: max(0, value), below: max(0, -value))
    }

    /// The sum of the values.
    public var sum: Double { above - below }

    /// The mean; nil without values.
    public var mean: Double? { count > 0 ? sum / Double(count) : nil }

    func merged(
        with other: MeanTotals, by combine: (UInt64, UInt64) -> UInt64, and combineSums: (Double, Double) -> Double
    ) -> MeanTotals {
        MeanTotals(
            count: combine(count, other.count), above: combineSums(above, other.above),
            below: combineSums(below, other.below))
    }
}

extension MeanTotals: Codable {
    /// Reads `[count, above]` or `[count, above, below]`.
    public init(from decoder: any Decoder) throws {
        var numbers = try decoder.unkeyedContainer()
        self.init(count: try numbers.decode(UInt64.self), above: try numbers.decode(Double.self))
        if !numbers.isAtEnd { below = try numbers.decode(Double.self) }
        guard above >= 0, above.isFinite, below >= 0, below.isFinite else {
            throw DecodingError.dataCorruptedError(in: numbers, debugDescription: "sums are finite and at least 0")
        }
    }

    /// Writes as few numbers as tell it.
    public func encode(to encoder: any Encoder) throws {
        var numbers = encoder.unkeyedContainer()
        try numbers.encode(count)
        try numbers.encode(above)
        if below > 0 { try numbers.encode(below) }
    }
}

/// How metrics that a device measures may be called.
public enum MeasurementName {
    /// Named metrics that one device measures of one version: classes, shares and means together.
    public static let limit = 16
    /// Characters of a name.
    public static let lengthLimit = 48
    /// What a class's share is called, before the class.
    public static let classPrefix = "class:"

    /// Names that mean something else where verdicts and evidence are shown.
    private static let reserved: Set<String> = [
        "requests", "failures", "latency", "latency_p50", "latency_p90", "latency_p99", "silence", "crashes",
        "failed_starts", "completeness", "updates",
    ]

    /// Whether a share or mean may be called so: a small letter, then small letters, digits and underscores.
    public static func isFree(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7A).contains(first), name.utf8.count <= lengthLimit else {
            return false
        }
        let isPlain = name.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
        return isPlain && !reserved.contains(name)
    }

    /// Whether a class may be called so: printable ASCII.
    public static func isClass(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= lengthLimit - classPrefix.utf8.count
            && name.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
