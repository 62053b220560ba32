import Foundation
import GRDB

/// Records as JSON documents in a column.
enum Documents {
    /// Inserts or replaces the record of a key.
    static func put(
        _ database: Database, _ table: String, _ column: String, _ key: String, _ record: some Encodable
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO \(table) (\(column), document) VALUES (:key, :document)
                ON CONFLICT (\(column)) DO UPDATE SET document = excluded.document
                """
        ).execute(arguments: ["key": key, "document": try text(record)])
    }

    /// Removes the record of a key.
    static func remove(_ database: Database, _ table: String, _ column: String, _ key: String) throws {
        try database.cachedStatement(sql: "DELETE FROM \(table) WHERE \(column) = :key").execute(arguments: ["key": key]
        )
    }

    /// All records of a table, in the order of their keys.
    static func all<Record: Decodable>(_ database: Database, _ table: String, by column: String) throws -> [Record] {
        try rows(database, table, "SELECT document FROM \(table) ORDER BY \(column)", [:])
    }

    /// The records that a statement selects as `document`.
    static func rows<Record: Decodable>(
        _ database: Database, _ table: String, _ sql: String, _ arguments: StatementArguments
    ) throws -> [Record] {
        try String.fetchAll(database, sql: sql, arguments: arguments).map { try record($0, of: table) }
    }

    /// The record in a table's document.
    static func record<Record: Decodable>(_ text: String, of table: String) throws -> Record {
        do {
            return try JSONDecoder().decode(Record.self, from: Data(text.utf8))
        } catch {
            throw SQLStoreError.unreadable(table: table, key: String(text.prefix(60)), reason: "\(error)")
        }
    }

    /// A record as JSON text with sorted keys.
    static func text(_ record: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(record), as: UTF8.self)
    }
}
