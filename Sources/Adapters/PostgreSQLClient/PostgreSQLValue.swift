/// A value that is bound to a statement or read from a row.
public enum PostgreSQLValue: Hashable, Sendable {
    /// NULL.
    case null
    /// smallint, integer, bigint and boolean.
    case integer(Int64)
    /// text, in UTF-8.
    case text(String)
    /// bytea.
    case bytes([UInt8])
}

/// A statement with its values in the order of `$1`, `$2` and so on.
///
/// Statements are prepared once per connection and then known by their text; values are always bound.
public struct PostgreSQLCommand: Sendable {
    /// The statement.
    public let text: String
    /// The values.
    public let values: [PostgreSQLValue]

    /// Makes a command.
    public init(_ text: String, _ values: [PostgreSQLValue] = []) {
        self.text = text
        self.values = values
    }
}

/// Values as libpq takes them: one run of bytes, with a place, a length and a format for each.
struct BoundValues {
    private(set) var bytes: [UInt8] = []
    private(set) var places: [Int?] = []
    private(set) var lengths: [Int32] = []
    private(set) var formats: [Int32] = []

    init(_ values: [PostgreSQLValue]) {
        for value in values {
            switch value {
            case .null: add(nil, isBinary: false)
            case .integer(let number): add(Array(String(number).utf8), isBinary: false)
            // Binary, with a length: a zero character is refused by the server and ends no text early.
            case .text(let text): add(Array(text.utf8), isBinary: true)
            case .bytes(let bytes): add(bytes, isBinary: true)
            }
        }
        bytes.append(0)
    }

    private mutating func add(_ content: [UInt8]?, isBinary: Bool) {
        places.append(content == nil ? nil : bytes.count)
        lengths.append(Int32(content?.count ?? 0))
        formats.append(isBinary ? 1 : 0)
        if let content { bytes += content + [0] }
    }
}

extension PostgreSQLValue {
    /// Reads a value in its binary form.
    ///
    /// - Parameter type: the type's number in `pg_type`.
    init(_ bytes: [UInt8], type: UInt32) throws(PostgreSQLError) {
        switch type {
        case 16, 20, 21, 23:
            let isNegative = type != 16 && (bytes.first ?? 0) & 0x80 != 0
            self = .integer(bytes.reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) })
        case 17: self = .bytes(bytes)
        case 18, 19, 25, 1042, 1043: self = .text(String(decoding: bytes, as: UTF8.self))
        case 2278: self = .null
        default: throw PostgreSQLError(.unreadable, "a column has type \(type), which this program does not read")
        }
    }
}
