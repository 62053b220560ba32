/// One table as a copy sees it.
struct StoredTable: Sendable {
    let name: String
    /// The columns of its key, in the key's order.
    let key: [String]
    /// The other columns.
    let rest: [String]

    /// All tables of the schema but those of the engines themselves; what is referred to comes first.
    static let all: [StoredTable] =
        [
            ("devices", ["id"]), ("telemetry", ["device"]), ("api_keys", ["id"]), ("enrolment_tokens", ["id"]),
            ("publisher_keys", ["fingerprint"]), ("policies", ["name"]), ("deployments", ["name"]),
            ("rollouts", ["id"]),
            ("experiments", ["rollout", "step"]), ("decisions", ["rollout", "number"]), ("key_sets", ["number"]),
            ("audit_checkpoints", ["number"]),
        ].map { StoredTable(name: $0.0, key: $0.1, rest: ["document"]) } + [
            StoredTable(name: "versions", key: ["digest"], rest: ["model", "name", "document"]),
            StoredTable(name: "evidence", key: ["rollout", "step", "tick"], rest: ["observations"]),
            StoredTable(name: "audit", key: ["number"], rest: ["document", "hash"]),
            StoredTable(name: "replies", key: ["key"], rest: ["at", "document"]),
        ]

    private static let page = 2000

    var columns: [String] { key + rest }

    /// All rows, in the order of the key.
    func rows(_ reading: any SQLReading) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        var page = try reading.rows(SQLStatement(selection(""), ["limit": .integer(Int64(Self.page))]))
        let after = "WHERE (\(key.joined(separator: ", "))) > (\(key.map { ":\($0)" }.joined(separator: ", "))) "
        while let last = page.last {
            rows += page
            var values = Dictionary(uniqueKeysWithValues: zip(key, last.values))
            values["limit"] = .integer(Int64(Self.page))
            page = try reading.rows(SQLStatement(selection(after), values))
        }
        return rows
    }

    private func selection(_ condition: String) -> String {
        "SELECT \(columns.joined(separator: ", ")) FROM \(name) \(condition)"
            + "ORDER BY \(key.joined(separator: ", ")) LIMIT :limit"
    }

    /// Inserts a row as it is.
    func insertion(of row: SQLRow) -> SQLStatement {
        SQLStatement(
            "INSERT INTO \(name) (\(columns.joined(separator: ", "))) "
                + "VALUES (\(columns.map { ":\($0)" }.joined(separator: ", ")))",
            Dictionary(uniqueKeysWithValues: zip(columns, row.values)))
    }
}

extension DatabaseStore {
    /// Copies everything that another store keeps into this one, which must be empty, in one commit.
    ///
    /// All of it passes through memory.
    ///
    /// - Returns: how many rows each table has.
    /// - Throws: ``SQLStoreError/occupied(table:)`` where this one is not empty; what the stores throw.
    public func copy(from other: DatabaseStore) throws -> [(table: String, rows: Int)] {
        for table in StoredTable.all {
            let isEmpty = try engine.read("look at \(table.name)") { reading in
                try reading.rows(SQLStatement("SELECT \(table.key[0]) FROM \(table.name) LIMIT 1")).isEmpty
            }
            guard isEmpty else { throw SQLStoreError.occupied(table: table.name) }
        }
        let read = try other.engine.read("read everything") { reading in
            try StoredTable.all.map { ($0, try $0.rows(reading)) }
        }
        try engine.write(read.flatMap { table, rows in rows.map(table.insertion) })
        return read.map { ($0.name, $1.count) }
    }
}
