import Foundation

/// A row of a backup: a line of JSON, its values in the order of the table's columns.
///
/// Text is a string and an integer a number; bytes are an object with their Base64.
enum RowLine {
    private enum Cell: Codable {
        case null
        case integer(Int64)
        case text(String)
        case bytes(Data)

        private enum Keys: String, CodingKey {
            case base64
        }

        init(_ value: SQLValue) {
            switch value {
            case .null: self = .null
            case .integer(let number): self = .integer(number)
            case .text(let text): self = .text(text)
            case .bytes(let bytes): self = .bytes(Data(bytes))
            }
        }

        init(from decoder: any Decoder) throws {
            let single = try decoder.singleValueContainer()
            if single.decodeNil() {
                self = .null
            } else if let text = try? single.decode(String.self) {
                self = .text(text)
            } else if let number = try? single.decode(Int64.self) {
                self = .integer(number)
            } else {
                self = .bytes(try decoder.container(keyedBy: Keys.self).decode(Data.self, forKey: .base64))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var single = encoder.singleValueContainer()
            switch self {
            case .null: try single.encodeNil()
            case .integer(let number): try single.encode(number)
            case .text(let text): try single.encode(text)
            case .bytes(let bytes): try single.encode([Keys.base64.rawValue: bytes.base64EncodedString()])
            }
        }

        var value: SQLValue {
            switch self {
            case .null: .null
            case .integer(let number): .integer(number)
            case .text(let text): .text(text)
            case .bytes(let bytes): .bytes([UInt8](bytes))
            }
        }
    }

    /// A row as a line, with its end.
    static func bytes(_ row: SQLRow) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return [UInt8](try encoder.encode(row.values.map(Cell.init))) + [0x0A]
    }

    /// The row of a line, without its end.
    ///
    /// - Throws: ``SQLStoreError/unreadable(table:key:reason:)`` where it is no row of the table.
    static func row(_ line: [UInt8], of table: StoredTable) throws -> SQLRow {
        let cells: [Cell]
        do {
            cells = try JSONDecoder().decode([Cell].self, from: Data(line))
        } catch {
            throw unreadable(line, table, "\(error)")
        }
        guard cells.count == table.columns.count else {
            throw unreadable(line, table, "it has \(cells.count) values, and the table \(table.columns.count) columns")
        }
        return SQLRow(values: cells.map(\.value))
    }

    private static func unreadable(_ line: [UInt8], _ table: StoredTable, _ reason: String) -> SQLStoreError {
        .unreadable(
            table: table.name, key: String(decoding: line.prefix(60), as: UTF8.self), reason: reason)
    }
}
