import GRDB

/// The schema: one table per kind of record, real columns for what is looked up by, a JSON document for the rest.
///
/// Migrations go forward only. Ids are made by the application; text keys compare bytewise; nothing looks into
/// documents.
enum Schema {
    /// The newest version this program knows.
    static let version = 1

    private static let migrations: [[String]] = [
        [
            "CREATE TABLE devices (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE telemetry (device TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE api_keys (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE enrolment_tokens (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE publisher_keys (fingerprint TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            """
            CREATE TABLE versions (
                digest TEXT PRIMARY KEY NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
                UNIQUE (model, name))
            """,
            "CREATE TABLE policies (name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE deployments (name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE rollouts (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            """
            CREATE TABLE experiments (
                rollout TEXT NOT NULL, step INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (rollout, step))
            """,
            """
            CREATE TABLE evidence (
                rollout TEXT NOT NULL, step INTEGER NOT NULL, tick INTEGER NOT NULL, observations BLOB NOT NULL,
                PRIMARY KEY (rollout, step, tick))
            """,
            """
            CREATE TABLE decisions (
                rollout TEXT NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (rollout, number))
            """,
            "CREATE TABLE audit (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            "CREATE TABLE replies (key TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL)",
        ]
    ]

    /// Brings a database to the newest version.
    ///
    /// - Throws: ``SQLStoreError/newerSchema(found:known:)`` for a database that a newer program wrote.
    static func migrate(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        let found = try Int.fetchOne(database, sql: "SELECT version FROM schema_version") ?? 0
        guard found <= version else { throw SQLStoreError.newerSchema(found: found, known: version) }
        for statements in migrations.dropFirst(found) {
            for statement in statements { try database.execute(sql: statement) }
        }
        try database.execute(sql: "DELETE FROM schema_version")
        try database.execute(
            sql: "INSERT INTO schema_version (version) VALUES (:version)", arguments: ["version": version])
    }
}
