/// A value that is bound to a statement or read from a row.
enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
}

/// A statement with its values by name; in its text they stand as `:name`.
///
/// Both engines carry out the same texts: no text depends on a value.
struct SQLStatement: Sendable {
    let text: String
    let values: [String: SQLValue]

    init(_ text: String, _ values: [String: SQLValue] = [:]) {
        self.text = text
        self.values = values
    }
}

/// A row, its values in the order of the selected columns.
struct SQLRow: Sendable {
    let values: [SQLValue]

    func text(_ column: Int) throws -> String {
        guard case .text(let text) = values[column] else { throw unexpected(column, "text") }
        return text
    }

    func integer(_ column: Int) throws -> Int64 {
        guard case .integer(let number) = values[column] else { throw unexpected(column, "an integer") }
        return number
    }

    func bytes(_ column: Int) throws -> [UInt8] {
        guard case .bytes(let bytes) = values[column] else { throw unexpected(column, "bytes") }
        return bytes
    }

    private func unexpected(_ column: Int, _ wanted: String) -> SQLStoreError {
        .unreadable(table: "column \(column)", key: "of a row", reason: "it is not \(wanted)")
    }
}

/// What can be read within one transaction.
protocol SQLReading {
    /// The rows that a statement selects.
    func rows(_ statement: SQLStatement) throws -> [SQLRow]
}

/// What can be written within one transaction.
protocol SQLWriting {
    /// Carries statements out in their order.
    func put(_ statements: [SQLStatement]) throws
}

/// A database of one kind.
///
/// Every error is an ``SQLStoreError`` that names the operation.
protocol SQLEngine: Sendable {
    /// Reads; everything the body reads is of one moment.
    func read<Result>(_ operation: String, _ body: (any SQLReading) throws -> Result) throws -> Result

    /// Carries all statements out in their order, or none; returns when they are durable.
    ///
    /// - Throws: also `UnsettledCommit`.
    func write(_ statements: [SQLStatement]) throws

    /// Carries out everything that the body puts, or none; returns when it is durable.
    ///
    /// What was put is sent at once and not kept. The body is called once.
    ///
    /// - Throws: also what the body throws, with nothing changed.
    func fill(_ body: (any SQLWriting) throws -> Void) throws

    /// Whether the write whose outcome nobody knew took place.
    func settle() throws -> Bool

    /// Answers a trivial query.
    func probe() throws
}
