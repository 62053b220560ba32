public import WireFormat

/// Why a call to the controller gave no result; each says what to do.
public enum OrchestratorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address is not `http://host[:port]` or `https://host[:port]`.
    case invalidServer(String)
    /// The controller did not answer. `isTransient` is true when the same call may succeed later.
    case unreachable(server: String, reason: String, isTransient: Bool)
    /// The controller refused and said why.
    case problem(Problem)
    /// Something answered that is not the controller's API, or a proxy in front of it.
    case unexpectedAnswer(String, status: Int)
    /// The reply has another shape than this program knows.
    case unreadableReply(String, reason: String)
    /// A value cannot be written as JSON: a number that is not finite.
    case unencodable(String)
    /// A file to send changed or cannot be read.
    case fileUnreadable(String)

    /// What was attempted, why it failed, and what to do.
    public var description: String {
        switch self {
        case .invalidServer(let text):
            "\"\(text)\" is not a controller's address: use http://HOST[:PORT] or https://HOST[:PORT] without a path"
        case .unreachable(let server, let reason, _):
            "the controller at \(server) does not answer: \(reason); check the address and that the controller runs"
        case .problem(let problem):
            problem.description
        case .unexpectedAnswer(let attempt, let status):
            "\(attempt) was answered with status \(status) and no problem details: this is not the controller's API, "
                + "or a proxy stands before it; check the address"
        case .unreadableReply(let attempt, let reason):
            "the reply to \(attempt) cannot be read (\(reason)): controller and client are of different versions, "
                + "or the address is not the controller's API"
        case .unencodable(let what):
            "\(what) cannot be written as JSON; use finite numbers"
        case .fileUnreadable(let reason):
            reason
        }
    }

    /// The problem the controller told, if it told one.
    public var problem: Problem? {
        if case .problem(let problem) = self { problem } else { nil }
    }

    /// Whether the same call may succeed later without a change.
    public var isTransient: Bool {
        switch self {
        case .unreachable(_, _, let isTransient): isTransient
        case .problem(let problem): problem.isTransient
        case .unexpectedAnswer(_, let status): [502, 503, 504].contains(status)
        case .invalidServer, .unreadableReply, .unencodable, .fileUnreadable: false
        }
    }
}

extension Problem {
    /// Whether the same call may succeed later without a change.
    var isTransient: Bool { [429, 502, 503, 504].contains(status) }
}
