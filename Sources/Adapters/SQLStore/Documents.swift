import Foundation

/// Records as JSON documents in a column.
enum Documents {
    /// Inserts or replaces the record of a key.
    static func put(
        _ table: String, _ column: String, _ key: String, _ record: some Encodable
    ) throws -> SQLStatement {
        put(table, column, key, text: try text(record))
    }

    /// Inserts or replaces the record of a key, which is a text already.
    static func put(_ table: String, _ column: String, _ key: String, text: String) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO \(table) (\(column), document) VALUES (:key, :document)
            ON CONFLICT (\(column)) DO UPDATE SET document = excluded.document
            """, ["key": .text(key), "document": .text(text)])
    }

    /// Removes the record of a key.
    static func remove(_ table: String, _ column: String, _ key: String) -> SQLStatement {
        SQLStatement("DELETE FROM \(table) WHERE \(column) = :key", ["key": .text(key)])
    }

    /// The most records that are read at once.
    private static let page = 5000

    /// All records of a table with a text key, in the order of their keys.
    ///
    /// They come in pages, so that no statement takes long, however large the fleet is.
    static func all<Record: Decodable>(
        _ reading: any SQLReading, _ table: String, by column: String
    ) throws -> [Record] {
        var records: [Record] = []
        var last = ""
        while true {
            let rows = try reading.rows(
                SQLStatement(
                    """
                    SELECT \(column), document FROM \(table) WHERE \(column) > :last ORDER BY \(column) LIMIT :limit
                    """, ["last": .text(last), "limit": .integer(Int64(page))]))
            records += try rows.map { try record($0.text(1), of: table) }
            guard rows.count == page, let end = rows.last else { return records }
            last = try end.text(0)
        }
    }

    /// The records that a statement selects as its first column.
    static func rows<Record: Decodable>(
        _ reading: any SQLReading, _ table: String, _ statement: SQLStatement
    ) throws -> [Record] {
        try reading.rows(statement).map { try record($0.text(0), of: table) }
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
