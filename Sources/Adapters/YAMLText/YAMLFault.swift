/// What is wrong with a YAML text, and where.
public struct YAMLFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, counted from 1.
    public let line: Int
    /// What is wrong there.
    public let reason: String

    /// A sentence for a person.
    public var description: String { "line \(line): \(reason)" }
}
