/// A condition on labels, such as `site=berlin,hw in (nano,orin),!debug`; all requirements must hold.
///
/// The syntax is that of Kubernetes: `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key`
/// and `!key`, joined by commas. As there, `!=` and `notin` also match where the key is absent, and the empty selector
/// matches everything. Source: Kubernetes documentation, "Labels and Selectors".
///
/// A selector is kept in a canonical form (sorted, without repetition, sets of one value as `=` and `!=`), so that
/// two texts that differ only in spelling give equal selectors and ``description`` parses to the same selector.
public struct Selector: Hashable, Sendable {
    /// One condition on one key.
    public enum Requirement: Hashable, Sendable {
        /// The key is present and has one of the values, which are sorted; one value is written `key=value`.
        case isOne(of: [String], key: String)
        /// The key is absent or has none of the values, which are sorted; one value is written `key!=value`.
        case isNone(of: [String], key: String)
        /// The key is present.
        case exists(key: String)
        /// The key is absent.
        case doesNotExist(key: String)
    }

    /// The longest text of a selector, in bytes.
    public static let limitBytes = 4_096

    /// The selector that matches everything.
    public static let everything = Selector(requirements: [])

    /// The conditions, sorted by key.
    public let requirements: [Requirement]

    /// Parses a selector.
    ///
    /// - Throws: ``InvalidSelector`` with the place of the fault and a remedy.
    public init(_ text: String) throws(InvalidSelector) {
        var parser = SelectorParser(text)
        self.init(requirements: try parser.parse())
    }

    init(requirements: [Requirement]) {
        var unique: [Requirement] = []
        let ordered = requirements.sorted { ($0.key, $0.description) < ($1.key, $1.description) }
        for requirement in ordered where unique.last != requirement {
            unique.append(requirement)
        }
        self.requirements = unique
    }

    /// True when the labels fulfil every requirement.
    public func matches(_ labels: Labels) -> Bool {
        requirements.allSatisfy { $0.matches(labels) }
    }

    /// True when the selector matches everything.
    public var isEmpty: Bool { requirements.isEmpty }
}

extension Selector.Requirement: CustomStringConvertible {
    /// The key that the condition is about.
    public var key: String {
        switch self {
        case .isOne(_, let key), .isNone(_, let key), .exists(let key), .doesNotExist(let key): key
        }
    }

    /// True when the labels fulfil the condition.
    public func matches(_ labels: Labels) -> Bool {
        switch self {
        case .isOne(let values, let key): labels[key].map(values.contains) ?? false
        case .isNone(let values, let key): !(labels[key].map(values.contains) ?? false)
        case .exists(let key): labels[key] != nil
        case .doesNotExist(let key): labels[key] == nil
        }
    }

    /// The condition in the syntax of selectors.
    public var description: String {
        switch self {
        case .isOne(let values, let key):
            values.count == 1 ? "\(key)=\(values[0])" : "\(key) in (\(values.joined(separator: ",")))"
        case .isNone(let values, let key):
            values.count == 1 ? "\(key)!=\(values[0])" : "\(key) notin (\(values.joined(separator: ",")))"
        case .exists(let key): key
        case .doesNotExist(let key): "!\(key)"
        }
    }
}

extension Selector: CustomStringConvertible {
    /// The selector in its canonical form; parsing it gives the same selector.
    public var description: String {
        requirements.map(\.description).joined(separator: ",")
    }
}

extension Selector: Codable {
    /// Reads a selector from a string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(InvalidSelector) {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    /// Writes the selector as a string in its canonical form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A text that is no selector.
public struct InvalidSelector: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text.
    public let text: String
    /// Where the fault is, in bytes from the start of the text, counted from 0.
    public let position: Int
    /// What is wrong there, as a clause.
    public let fault: String
    /// What to write instead.
    public let remedy: String

    /// A sentence for a person; characters are counted from 1.
    public var description: String {
        let shown = LabelsSyntax.shown(text)
        return "\"\(shown)\" is not a valid selector: at character \(position + 1), \(fault); \(remedy)"
    }
}
