/// A value of a YAML document, and where it begins.
public struct YAMLNode: Hashable, Sendable {
    /// The forms of a value.
    public enum Content: Hashable, Sendable {
        /// Text; one that was quoted is never taken for null, a number or a truth value.
        case scalar(String, isQuoted: Bool)
        /// Values in order.
        case sequence([YAMLNode])
        /// Values by names, in the order of the text; no name comes twice.
        case mapping([Entry])
    }

    /// A name and its value.
    public struct Entry: Hashable, Sendable {
        /// The name.
        public let key: String
        /// The value.
        public let value: YAMLNode
    }

    /// The value.
    public let content: Content
    /// The line of its beginning, counted from 1.
    public let line: Int

    /// The value of a name; nil where this is no mapping or does not have it.
    public subscript(_ key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The names of a mapping; none where this is none.
    public var keys: [String] {
        guard case .mapping(let entries) = content else { return [] }
        return entries.map(\.key)
    }

    /// Nothing, in one of its spellings (YAML 1.2.2, section 10.3.2).
    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What a person would call it.
    var form: String {
        switch content {
        case .scalar(let text, _): isNull ? "nothing" : "\"\(text)\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
