/// What is said about a device so that selectors find it, such as `site=berlin`: keys with values, sorted by key.
///
/// Keys and values follow Kubernetes: a key is an optional DNS prefix and `/`, then a name of up to 63 letters, digits,
/// `-`, `_` and `.`; a value is such a name or empty. Source: Kubernetes documentation, "Labels and Selectors".
public struct Labels: Hashable, Sendable {
    /// One label.
    public struct Label: Hashable, Sendable {
        /// The key, such as `site`.
        public let key: String
        /// The value, such as `berlin`; may be empty.
        public let value: String
    }

    /// The most labels that one thing may have.
    public static let limit = 32

    private var sorted: [Label]

    /// No labels.
    public init() {
        sorted = []
    }

    /// Makes labels.
    ///
    /// - Throws: ``InvalidLabels`` with the first fault, in the order of the keys.
    public init(_ pairs: [String: String]) throws(InvalidLabels) {
        guard pairs.count <= Self.limit else { throw .tooMany(count: pairs.count) }
        sorted = pairs.map { Label(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
        for label in sorted {
            try Self.check(label)
        }
    }

    /// The value of a key, or nil where the key is absent.
    public subscript(key: String) -> String? {
        sorted.first { $0.key == key }?.value
    }

    /// Adds a label or changes its value.
    ///
    /// - Throws: ``InvalidLabels``; the labels then stay as they were.
    public mutating func set(_ key: String, to value: String) throws(InvalidLabels) {
        let label = Label(key: key, value: value)
        try Self.check(label)
        if let place = sorted.firstIndex(where: { $0.key == key }) {
            sorted[place] = label
            return
        }
        guard sorted.count < Self.limit else { throw .tooMany(count: sorted.count + 1) }
        sorted.insert(label, at: sorted.firstIndex { $0.key > key } ?? sorted.count)
    }

    /// Removes a label; an absent key changes nothing.
    public mutating func remove(_ key: String) {
        sorted.removeAll { $0.key == key }
    }

    /// The labels as a dictionary.
    public var dictionary: [String: String] {
        Dictionary(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) })
    }

    /// True for what may be the key of a label.
    public static func isValidKey(_ key: String) -> Bool { LabelsSyntax.fault(inKey: key) == nil }

    private static func check(_ label: Label) throws(InvalidLabels) {
        if let fault = LabelsSyntax.fault(inKey: label.key) { throw .invalidKey(label.key, fault: fault) }
        if let fault = LabelsSyntax.fault(inValue: label.value) {
            throw .invalidValue(label.value, key: label.key, fault: fault)
        }
    }
}

extension Labels: RandomAccessCollection {
    /// The place of the first label.
    public var startIndex: Int { 0 }
    /// One past the place of the last label.
    public var endIndex: Int { sorted.count }
    /// The label at a place in the order of the keys.
    public subscript(position: Int) -> Label { sorted[position] }
}

extension Labels: CustomStringConvertible {
    /// The labels as `key=value`, joined by commas: a selector that matches them.
    public var description: String {
        sorted.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

extension Labels: Codable {
    /// Reads labels from an object with a string per key.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let pairs = try container.decode([String: String].self)
        do throws(InvalidLabels) {
            try self.init(pairs)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    /// Writes the labels as an object with a string per key.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(dictionary)
    }
}

/// Labels that break the syntax or the limit.
public enum InvalidLabels: Error, Hashable, Sendable, CustomStringConvertible {
    /// There are more than ``Labels/limit``.
    case tooMany(count: Int)
    /// A key breaks the rule that the clause names.
    case invalidKey(String, fault: String)
    /// A value breaks the rule that the clause names.
    case invalidValue(String, key: String, fault: String)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .tooMany(let count):
            "\(count) labels are too many: remove some until there are at most \(Labels.limit)"
        case .invalidKey(let key, let fault):
            "\"\(LabelsSyntax.shown(key))\" is not a valid label key: \(fault)"
        case .invalidValue(let value, let key, let fault):
            "\"\(LabelsSyntax.shown(value))\" is not a valid value of label \(key): \(fault)"
        }
    }
}
