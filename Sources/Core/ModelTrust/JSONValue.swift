/// A JSON document as a value: what the signed formats are read from and written to.
///
/// Signed bytes must be read alike by everyone, so reading is strict (``init(parsing:limits:)``) and writing is
/// deterministic (``serialized()``).
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent.
    case integer(Int64)
    /// A finite number with a fraction or an exponent.
    case number(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named members; their order has no meaning.
    case object([String: JSONValue])

    /// The JSON text: no whitespace, members sorted by the UTF-8 bytes of their names, `/` not escaped.
    public func serialized() -> [UInt8] {
        var text: [UInt8] = []
        write(to: &text)
        return text
    }

    private func write(to text: inout [UInt8]) {
        switch self {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let flag): text.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number): text.append(contentsOf: String(number).utf8)
        case .number(let number):
            precondition(number.isFinite, "JSON has no spelling for a number that is not finite")
            text.append(contentsOf: number.description.utf8)
        case .string(let string): Self.write(string, to: &text)
        case .array(let values):
            text.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                value.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let members): Self.write(members, to: &text)
        }
    }

    private static func write(_ members: [String: JSONValue], to text: inout [UInt8]) {
        let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        text.append(UInt8(ascii: "{"))
        for (index, member) in sorted.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            write(member.key, to: &text)
            text.append(UInt8(ascii: ":"))
            member.value.write(to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    private static func write(_ string: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): text.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
            case 0x0A: text.append(contentsOf: "\\n".utf8)
            case 0x0D: text.append(contentsOf: "\\r".utf8)
            case 0x09: text.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                text.append(contentsOf: "\\u00".utf8)
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

/// How much JSON a reader takes before it refuses.
public struct JSONLimits: Hashable, Sendable {
    /// The longest document, in bytes.
    public let bytes: Int
    /// How deep arrays and objects may nest.
    public let depth: Int

    /// Makes limits; by default 1 MiB and 32 levels.
    public init(bytes: Int = 1 << 20, depth: Int = 32) {
        self.bytes = bytes
        self.depth = depth
    }
}

/// Why a text is no JSON document that the signed formats accept.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where reading stopped, in bytes from the start.
    public let offset: Int
    /// The broken rule, as a clause.
    public let reason: String

    /// A clause for a person, with the place.
    public var description: String { "\(reason) (at byte \(offset))" }
}
