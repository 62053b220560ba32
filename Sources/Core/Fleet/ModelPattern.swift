/// Names of models with `*` for any characters, none included: `detector*`, `*_v2`, `*`.
///
/// Everything else stands for itself, capitals and small letters are told apart.
public struct ModelPattern: Hashable, Sendable, CustomStringConvertible {
    /// The longest pattern, in bytes.
    public static let limitBytes = 128

    /// The pattern as it was written.
    public let description: String

    /// Reads a pattern; nil where no name of a model could match it.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...Self.limitBytes).contains(bytes.count) else { return nil }
        let isKnown = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "*"):
                true
            default: false
            }
        }
        guard isKnown else { return nil }
        description = text
    }

    /// Whether a model has such a name.
    ///
    /// - Complexity: O(length of the pattern times length of the name).
    public func matches(_ model: ModelName) -> Bool {
        let pattern = Array(description.utf8)
        let name = Array(model.rawValue.utf8)
        // Where the last star was, and up to where of the name it stands for: a mismatch lets it stand for one more.
        var star: (pattern: Int, name: Int)?
        var (inPattern, inName) = (0, 0)
        while inName < name.count {
            if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
                star = (inPattern, inName)
                inPattern += 1
            } else if inPattern < pattern.count, pattern[inPattern] == name[inName] {
                inPattern += 1
                inName += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                (inPattern, inName) = (last.pattern + 1, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension ModelPattern: Codable {
    /// Reads a pattern from a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let pattern = ModelPattern(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "a pattern has 1 to \(Self.limitBytes) letters, digits, '.', '_', '-' and '*', "
                    + "such as \"detector*\"")
        }
        self = pattern
    }

    /// Writes the pattern as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
