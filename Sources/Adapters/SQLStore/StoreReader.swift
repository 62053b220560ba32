import Foundation
import GRDB
public import Orchestration
public import PostgreSQLClient

/// What a database holds, read as of one moment, while a controller goes on to use it; nothing is changed.
public final class StoreReader {
    /// What was found beside the rows.
    public struct Content: Hashable, Sendable {
        /// How many rows each table has, in the order they were read.
        public var rows: [TableRows] = []
        /// The largest number of an assignment; 0 where there is none.
        public var largestAssignment: UInt64 = 0
        /// The number of the audit log's last row; 0 where there is none.
        public var auditRows: UInt64 = 0
        /// Its hash, in hexadecimal digits.
        public var auditHash = ""
        /// How often the controller was restored from a backup.
        public var restores: UInt64 = 0
    }

    /// How many rows a table has.
    public struct TableRows: Codable, Hashable, Sendable {
        /// The table.
        public var table: String
        /// Its rows.
        public var rows: Int
    }

    private enum Place {
        case sqlite(DatabaseQueue)
        case postgreSQL(PostgreSQLConnection, PostgreSQLLimits)
    }

    private let place: Place

    /// Opens a SQLite file that a controller may have open.
    ///
    /// - Throws: ``SQLStoreError``, also where its schema is not this program's.
    public init(sqlite path: String) throws {
        try Self.require(DatabaseStore.schema(sqlite: path))
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let settings = configuration
        place = .sqlite(
            try SQLiteEngine.named("open \(path)") { try DatabaseQueue(path: path, configuration: settings) })
    }

    /// Connects to a PostgreSQL database that a controller may use, also a server that only reads.
    ///
    /// - Throws: ``SQLStoreError``, also where its schema is not this program's.
    public init(postgreSQL address: PostgreSQLAddress, _ limits: PostgreSQLLimits = PostgreSQLLimits()) throws {
        try Self.require(DatabaseStore.schema(postgreSQL: address))
        place = .postgreSQL(
            try PostgreSQLEngine.named("open \(address)") { try PostgreSQLConnection(address, limits.connection) },
            limits)
    }

    private static func require(_ schema: SchemaState) throws {
        guard schema.found > 0 else { throw SQLStoreError.noDatabase }
        guard schema.found <= schema.known else {
            throw SQLStoreError.newerSchema(found: schema.found, known: schema.known)
        }
        guard schema.isCurrent else {
            throw SQLStoreError.olderSchema(found: schema.found, known: schema.known)
        }
    }

    /// Reads all tables as lines of JSON, a page at a time; what is referred to comes first.
    ///
    /// - Parameter take: called for each table with its name; it calls `pages`, which calls its argument with lines of
    ///   that table, each with its end.
    /// - Throws: what the closures throw; ``SQLStoreError``.
    public func read(
        _ take: (_ table: String, _ pages: ((_ lines: [UInt8]) throws -> Void) throws -> Void) throws -> Void
    ) throws -> Content {
        try reading { reading in
            var content = Content()
            for table in StoredTable.all {
                var count = 0
                try take(table.name) { put in
                    try table.pages(reading) { rows in
                        count += rows.count
                        for row in rows { try content.note(row, of: table) }
                        try put(rows.reduce(into: []) { $0 += try RowLine.bytes($1) })
                    }
                }
                content.rows.append(TableRows(table: table.name, rows: count))
            }
            return content
        }
    }

    /// Refuses where a table holds anything.
    ///
    /// - Throws: ``SQLStoreError/occupied(table:)``; ``SQLStoreError``.
    public func requireEmpty() throws {
        try reading { try StoredTable.requireEmpty($0) }
    }

    private func reading<Result>(_ body: (any SQLReading) throws -> Result) throws -> Result {
        switch place {
        case .sqlite(let queue):
            return try SQLiteEngine.named("read everything") {
                try queue.read { try body(SQLiteReading(database: $0)) }
            }
        case .postgreSQL(let connection, let limits):
            return try PostgreSQLEngine.named("read everything") {
                let seconds = limits.exchangeSeconds
                _ = try connection.run(
                    [PostgreSQLCommand("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")], within: seconds)
                let result = try body(
                    PostgreSQLReading(connection: connection, statements: NumberedStatements(), seconds: seconds))
                _ = try connection.run([PostgreSQLCommand("COMMIT")], within: seconds)
                return result
            }
        }
    }
}

extension StoreReader.Content {
    /// What of a device is looked at here.
    private struct Numbered: Decodable {
        let assignmentNumber: UInt64
    }

    fileprivate mutating func note(_ row: SQLRow, of table: StoredTable) throws {
        switch table.name {
        case "devices":
            let device: Numbered = try Documents.record(row.text(1), of: table.name)
            largestAssignment = max(largestAssignment, device.assignmentNumber)
        case "audit":
            auditRows = UInt64(clamping: try row.integer(0))
            auditHash = try row.text(2)
        case "restores": restores = UInt64(clamping: try row.integer(0))
        default: break
        }
    }
}

extension DatabaseStore {
    /// Fills this store, which must be empty, with the lines of a backup, and notes that it was restored; one commit.
    ///
    /// - Parameters:
    ///   - restore: what the next controller has to follow.
    ///   - lines: calls its argument with each line of a table, without its end.
    /// - Returns: how many rows each table has.
    /// - Throws: ``SQLStoreError``, with nothing changed; what `lines` throws.
    public func fill(
        noting restore: StoredRestore,
        from lines: (_ table: String, _ take: ([UInt8]) throws -> Void) throws -> Void
    ) throws -> [StoreReader.TableRows] {
        try requireEmpty()
        var counts: [StoreReader.TableRows] = []
        let noted = try StoreChange.restore(restore).statements
        try engine.fill { writing in
            for table in StoredTable.all {
                var count = 0
                var waiting: [SQLStatement] = []
                try lines(table.name) { line in
                    waiting.append(table.insertion(of: try RowLine.row(line, of: table)))
                    count += 1
                    guard waiting.count == table.page else { return }
                    try writing.put(waiting)
                    waiting = []
                }
                try writing.put(waiting)
                counts.append(StoreReader.TableRows(table: table.name, rows: count))
            }
            try writing.put(noted)
        }
        return counts
    }
}
