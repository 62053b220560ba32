/// How long something is kept: `forever`, or a number and its unit, such as `365d`, `36h`, `10m` or `30s`.
public struct KeptTime: Codable, Hashable, Sendable, LosslessStringConvertible {
    /// Seconds; nil for ever.
    public let seconds: Double?
    /// The text.
    public let description: String

    /// Kept for ever.
    public static let forever = KeptTime(seconds: nil, description: "forever")

    /// Kept for so many days.
    public static func days(_ count: Int) -> KeptTime {
        KeptTime(seconds: Double(count) * 86_400, description: "\(count)d")
    }

    private init(seconds: Double?, description: String) {
        self.seconds = seconds
        self.description = description
    }

    /// Reads a text; nil for anything else than above, and for what is no time at all or longer than 1000 years.
    public init?(_ text: String) {
        if text == "forever" {
            self = .forever
            return
        }
        let units: [Character: Double] = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().allSatisfy(\.isASCII),
            let count = UInt32(text.dropLast()), count > 0, text.first != "+"
        else { return nil }
        let seconds = Double(count) * unit
        guard seconds <= 365_000 * 86_400 else { return nil }
        self.init(seconds: seconds, description: "\(count)\(text.suffix(1))")
    }

    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = KeptTime(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no time such as 365d")
        }
        self = time
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
