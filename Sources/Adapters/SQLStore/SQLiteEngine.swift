import Foundation
import GRDB

/// SQLite in a file: write-ahead log, synchronous FULL, so that a commit that returned survives a power cut.
final class SQLiteEngine: SQLEngine {
    let pool: DatabasePool
    private let lock: ControllerLock

    /// Opens or makes a database file and brings it to the newest schema.
    init(path: String) throws {
        lock = try ControllerLock(path: path + ".lock")
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let settings = configuration
        pool = try Self.named("open \(path)") {
            let pool = try DatabasePool(path: path, configuration: settings)
            // Set here and not in the configuration: a pool sets its writer to NORMAL when it turns the log on.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.write { try SQLiteSchema.migrate($0) }
            return pool
        }
    }

    func read<Result>(_ operation: String, _ body: (any SQLReading) throws -> Result) throws -> Result {
        try Self.named(operation) { try pool.read { try body(SQLiteReading(database: $0)) } }
    }

    func write(_ statements: [SQLStatement]) throws {
        try fill { try $0.put(statements) }
    }

    func fill(_ body: (any SQLWriting) throws -> Void) throws {
        try Self.named("commit") {
            try pool.write { try body(SQLiteWriting(database: $0)) }
        }
    }

    /// A commit in this process ends or fails; it is never in doubt.
    func settle() -> Bool { false }

    func probe() throws {
        try Self.named("probe") {
            try pool.read { database in _ = try Int.fetchOne(database, sql: "SELECT 1") }
        }
    }

    static func named<Result>(_ operation: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw SQLStoreError(error, operation: operation)
        }
    }
}

/// One transaction that reads.
struct SQLiteReading: SQLReading {
    let database: Database

    func rows(_ statement: SQLStatement) throws -> [SQLRow] {
        try Row.fetchAll(database.cachedStatement(sql: statement.text), arguments: statement.arguments).map { row in
            SQLRow(values: row.databaseValues.map(SQLValue.init))
        }
    }
}

/// One transaction that writes.
private struct SQLiteWriting: SQLWriting {
    let database: Database

    func put(_ statements: [SQLStatement]) throws {
        for statement in statements {
            try database.cachedStatement(sql: statement.text).execute(arguments: statement.arguments)
        }
    }
}

extension SQLStatement {
    fileprivate var arguments: StatementArguments { StatementArguments(values.mapValues(\.databaseValue)) }
}

extension SQLValue {
    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .bytes([UInt8](data))
        case .double(let number): self = .text("\(number)")
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}

extension SQLStoreError {
    /// Source: sqlite.org/rescode.html, the primary result codes.
    init(_ error: DatabaseError, operation: String) {
        let code = error.resultCode
        let reason = "\(error.message ?? "no words") (SQLite code \(code.rawValue))"
        switch code {
        case .SQLITE_FULL: self = .full(operation: operation, reason: reason)
        case .SQLITE_CONSTRAINT: self = .constraint(operation: operation, reason: reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .late(operation: operation, reason: reason)
        case .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH: self = .denied(operation: operation, reason: reason)
        case .SQLITE_CANTOPEN: self = .unreachable(operation: operation, reason: reason)
        default: self = .database(operation: operation, code: "SQLite code \(code.rawValue)", reason: reason)
        }
    }
}
