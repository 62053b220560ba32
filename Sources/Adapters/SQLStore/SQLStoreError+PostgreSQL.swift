import PostgreSQLClient

extension SQLStoreError {
    /// Source: PostgreSQL documentation, appendix A, PostgreSQL Error Codes.
    init(_ error: PostgreSQLError, operation: String) {
        let reason = error.description
        switch error.cause {
        case .unreachable, .lost: self = .unreachable(operation: operation, reason: reason)
        case .late: self = .late(operation: operation, reason: reason)
        case .exhausted: self = .busy(operation: operation, reason: reason)
        case .unreadable: self = .unreadable(table: operation, key: "a column", reason: reason)
        case .refused(let state, let constraint):
            self.init(
                state: state, operation: operation, reason: constraint.map { "\(reason), constraint \($0)" } ?? reason)
        }
    }

    private init(state: String, operation: String, reason: String) {
        switch state {
        case "53100", "53200", "54000": self = .full(operation: operation, reason: reason)
        case "53300", "53400": self = .busy(operation: operation, reason: reason)
        // Cancelled by its deadline, a lock that was not to be had, a session that was idle for too long.
        case "57014", "55P03", "25P03", "40P01": self = .late(operation: operation, reason: reason)
        case _ where state.hasPrefix("08") || state.hasPrefix("57P"):
            self = .unreachable(operation: operation, reason: reason)
        case "42501", "25006": self = .denied(operation: operation, reason: reason)
        case _ where state.hasPrefix("28"): self = .denied(operation: operation, reason: reason)
        case _ where state.hasPrefix("23"): self = .constraint(operation: operation, reason: reason)
        default: self = .database(operation: operation, code: "SQLSTATE \(state)", reason: reason)
        }
    }
}

extension PostgreSQLError {
    /// Whether a server that says this of a COMMIT may have committed: it is shutting down, or does not know itself.
    var leavesOutcomeOpen: Bool { state.map { $0.hasPrefix("57P") || $0.hasPrefix("08") || $0 == "40003" } ?? false }
}
