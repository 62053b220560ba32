/// What a kind of name may look like; one empty enum per kind keeps names of different things apart.
public protocol NameSubject: Sendable {
    /// The word for the named thing in errors, e.g. `device id`.
    static var noun: String { get }
    /// The longest allowed name, in bytes.
    static var limitBytes: Int { get }
}

/// A validated name: 1 to `limitBytes` letters, digits, `.`, `_` and `-`, starting and ending with a letter or digit.
///
/// The alphabet is safe in a path, a URL, a Prometheus label and a shell, so nothing downstream escapes or re-checks.
public struct Name<Subject: NameSubject>: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The text of the name.
    public let rawValue: String

    /// Makes a name, or nil where the text is not one; ``init(_:)`` says why.
    public init?(rawValue: String) {
        guard Self.fault(in: rawValue) == nil else { return nil }
        self.rawValue = rawValue
    }

    /// Makes a name.
    ///
    /// - Throws: ``InvalidName`` with the rule that the text breaks.
    public init(_ text: String) throws(InvalidName) {
        if let fault = Self.fault(in: text) {
            throw InvalidName(noun: Subject.noun, text: text, fault: fault)
        }
        rawValue = text
    }

    /// The name itself.
    public var description: String { rawValue }

    /// Orders by bytes, as both databases do.
    public static func < (left: Self, right: Self) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }

    private static func fault(in text: String) -> String? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return "it is empty" }
        guard bytes.count <= Subject.limitBytes else { return "it is longer than \(Subject.limitBytes) bytes" }
        guard bytes.allSatisfy({ isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }) else {
            return "only letters, digits, '.', '_' and '-' are allowed"
        }
        guard isAlphanumeric(first), isAlphanumeric(last) else {
            return "it must start and end with a letter or a digit"
        }
        return nil
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension Name: Codable {
    /// Reads a name from a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard Self.fault(in: text) == nil else {
            let error = InvalidName(noun: Subject.noun, text: text, fault: Self.fault(in: text) ?? "")
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
        rawValue = text
    }

    /// Writes the name as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension Name: CodingKeyRepresentable {
    /// The name as a key of a JSON object.
    public var codingKey: any CodingKey { NameKey(stringValue: rawValue) }

    /// Reads a name from a key of a JSON object.
    public init?<Key: CodingKey>(codingKey: Key) {
        self.init(rawValue: codingKey.stringValue)
    }
}

private struct NameKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A text that is no name, and the rule it breaks.
public struct InvalidName: Error, Hashable, Sendable, CustomStringConvertible {
    /// The word for the thing that was to be named.
    public let noun: String
    /// The refused text.
    public let text: String
    /// The broken rule, as a clause.
    public let fault: String

    /// A sentence for a person.
    public var description: String {
        let shown = text.count > 80 ? text.prefix(80) + "…" : text[...]
        return "\"\(shown)\" is not a valid \(noun): \(fault)"
    }
}
