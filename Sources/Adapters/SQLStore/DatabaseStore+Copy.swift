/// One table as a copy or a backup sees it.
struct StoredTable: Sendable {
    let name: String
    /// The columns of its key, in the key's order.
    let key: [String]
    /// The other columns.
    let rest: [String]
    /// The most rows that are held in memory at once.
    var page = 1000

    /// All tables of the schema but those of the engines themselves; what is referred to comes first.
    static let all: [StoredTable] =
        [
            ("devices", ["id"]), ("telemetry", ["device"]), ("api_keys", ["id"]), ("enrolment_tokens", ["id"]),
            ("publisher_keys", ["fingerprint"]), ("policies", ["name"]), ("deployments", ["name"]),
            ("decisions", ["rollout", "number"]), ("key_sets", ["number"]), ("audit_checkpoints", ["number"]),
            ("audit_beginnings", ["number"]), ("restores", ["number"]),
        ].map { StoredTable(name: $0.0, key: $0.1, rest: ["document"]) } + [
            // A rollout names its devices, and an experiment describes them.
            StoredTable(name: "rollouts", key: ["id"], rest: ["document"], page: 20),
            StoredTable(name: "experiments", key: ["rollout", "step"], rest: ["document"], page: 5),
            StoredTable(name: "versions", key: ["digest"], rest: ["model", "name", "document"]),
            StoredTable(name: "evidence", key: ["rollout", "step", "tick"], rest: ["observations"], page: 50),
            StoredTable(name: "audit", key: ["number"], rest: ["document", "hash"]),
            StoredTable(name: "replies", key: ["key"], rest: ["at", "document"]),
        ]

    /// Refuses where a table holds anything.
    static func requireEmpty(_ reading: any SQLReading) throws {
        for table in all {
            let found = try reading.rows(SQLStatement("SELECT \(table.key[0]) FROM \(table.name) LIMIT 1"))
            guard found.isEmpty else { throw SQLStoreError.occupied(table: table.name) }
        }
    }

    var columns: [String] { key + rest }

    /// All rows in the order of the key, a page at a time.
    func pages(_ reading: any SQLReading, _ take: ([SQLRow]) throws -> Void) throws {
        var page = try reading.rows(SQLStatement(selection(""), ["limit": .integer(Int64(self.page))]))
        let after = "WHERE (\(key.joined(separator: ", "))) > (\(key.map { ":\($0)" }.joined(separator: ", "))) "
        while let last = page.last {
            try take(page)
            guard page.count == self.page else { return }
            var values = Dictionary(uniqueKeysWithValues: zip(key, last.values))
            values["limit"] = .integer(Int64(self.page))
            page = try reading.rows(SQLStatement(selection(after), values))
        }
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
    /// No more than a page of rows is in memory at once.
    ///
    /// - Returns: how many rows each table has.
    /// - Throws: ``SQLStoreError/occupied(table:)`` where this one is not empty; what the stores throw.
    public func copy(from other: DatabaseStore) throws -> [(table: String, rows: Int)] {
        try requireEmpty()
        var counts: [(table: String, rows: Int)] = []
        try engine.fill { writing in
            counts = []
            try other.engine.read("read everything") { reading in
                for table in StoredTable.all {
                    var count = 0
                    try table.pages(reading) { rows in
                        count += rows.count
                        try writing.put(rows.map(table.insertion))
                    }
                    counts.append((table.name, count))
                }
            }
        }
        return counts
    }

    /// Refuses where a table holds anything.
    ///
    /// - Throws: ``SQLStoreError/occupied(table:)``; what the store throws.
    public func requireEmpty() throws {
        try engine.read("see whether the database is empty") { reading in
            try StoredTable.requireEmpty(reading)
        }
    }
}
