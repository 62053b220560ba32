internal import CPostgreSQL

/// What a command answered.
public struct PostgreSQLRows: Sendable {
    /// The rows, their values in the order of the columns.
    public let rows: [[PostgreSQLValue]]

    /// Copies a result.
    init(_ result: OpaquePointer) throws(PostgreSQLError) {
        let columns = unsafe PQnfields(result)
        var rows: [[PostgreSQLValue]] = []
        let count = unsafe PQntuples(result)
        for row in 0..<count {
            var values: [PostgreSQLValue] = []
            for column in 0..<columns { unsafe values.append(try Self.value(result, row, column)) }
            rows.append(values)
        }
        self.rows = rows
    }

    private static func value(
        _ result: OpaquePointer, _ row: Int32, _ column: Int32
    ) throws(PostgreSQLError) -> PostgreSQLValue {
        guard unsafe PQgetisnull(result, row, column) == 0, let start = unsafe PQgetvalue(result, row, column) else {
            return .null
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
        return unsafe try PostgreSQLValue(Array(bytes), type: PQftype(result, column))
    }
}
