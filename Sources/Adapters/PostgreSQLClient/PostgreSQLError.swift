/// Why the database did not do what it was asked.
///
/// The words are the server's primary message or libpq's own: they name hosts and constraints, never a password and
/// never a bound value.
public struct PostgreSQLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Cause: Hashable, Sendable {
        /// The server refused a statement; the connection goes on.
        case refused(state: String, constraint: String?)
        /// No connection could be made.
        case unreachable
        /// The connection broke; what was under way may have happened or not.
        case lost
        /// The server did not answer in time; the connection is given up, and what was under way may have happened.
        case late
        /// All connections of the pool were lent out for as long as the caller would wait.
        case exhausted
        /// A value has a type that this client does not read.
        case unreadable
    }

    /// The kind.
    public let cause: Cause
    /// What was said, one line.
    public let sentence: String

    /// Makes an error.
    public init(_ cause: Cause, _ sentence: String) {
        self.cause = cause
        self.sentence = sentence.split(whereSeparator: { $0.isNewline || $0 == "\t" }).joined(separator: " ")
    }

    /// The SQLSTATE; nil where the server said nothing.
    ///
    /// Source: PostgreSQL documentation, appendix A.
    public var state: String? {
        if case .refused(let state, _) = cause { state } else { nil }
    }

    /// Whether the server may have done what it was asked, or not: nobody said.
    public var isUncertain: Bool { cause == .lost || cause == .late }

    /// Whether the connection is of no more use: the server is stopping, or has become one that only reads.
    public var endsConnection: Bool { state.map { $0.hasPrefix("57P") || $0 == "25006" } ?? false }

    /// The words, with the SQLSTATE where there is one.
    public var description: String { state.map { "\(sentence) (SQLSTATE \($0))" } ?? sentence }
}
