import Foundation
import GRDB
public import PostgreSQLClient

/// The schema that a database has, beside the one this program needs.
public struct SchemaState: Hashable, Sendable {
    /// The database's version; 0 for an empty database or none.
    public let found: Int
    /// This program's version.
    public let known: Int

    /// Whether a program of this version may use it as it is.
    public var isCurrent: Bool { found == known }
}

extension DatabaseStore {
    /// Looks at a SQLite file, and changes nothing.
    ///
    /// - Throws: ``SQLStoreError`` where it cannot be read.
    public static func schema(sqlite path: String) throws -> SchemaState {
        guard FileManager.default.fileExists(atPath: path) else {
            return SchemaState(found: 0, known: SQLiteSchema.version)
        }
        do {
            let found = try DatabaseQueue(path: path).read { database in
                try database.tableExists("schema_version")
                    ? Int.fetchOne(database, sql: "SELECT version FROM schema_version") : nil
            }
            return SchemaState(found: found ?? 0, known: SQLiteSchema.version)
        } catch let error as DatabaseError {
            throw SQLStoreError(error, operation: "open \(path)")
        }
    }

    /// Looks at a PostgreSQL database, and changes nothing.
    ///
    /// - Throws: ``SQLStoreError`` where it cannot be reached or read.
    public static func schema(postgreSQL address: PostgreSQLAddress) throws -> SchemaState {
        try PostgreSQLEngine.named("open \(address)") {
            let limits = PostgreSQLLimits()
            let connection = try PostgreSQLConnection(address, limits.connection)
            return SchemaState(
                found: try PostgreSQLSchema.found(connection, within: limits.exchangeSeconds),
                known: PostgreSQLSchema.version)
        }
    }

    /// Brings a PostgreSQL database to the newest schema while no controller has it; begins no epoch.
    ///
    /// Of two at once one waits for the other.
    ///
    /// - Throws: ``SQLStoreError``; ``SQLStoreError/inUse(path:)`` while a controller has it open.
    public static func migrate(
        postgreSQL address: PostgreSQLAddress, _ limits: PostgreSQLLimits = PostgreSQLLimits()
    ) throws {
        try PostgreSQLEngine.named("migrate \(address)") {
            let pool = PostgreSQLPool(address, limits.connection, limits: limits.pool)
            let lock = try ControllerTurn.lock(pool, address, limits)
            try PostgreSQLSchema.bringUp(lock, within: limits.exchangeSeconds)
        }
    }
}
