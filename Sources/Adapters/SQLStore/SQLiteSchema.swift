import AuditTrail
import Cryptography
import Fleet
import GRDB
import ModelTrust
import WireFormat

/// The schema on SQLite: one table per kind of record, real columns for what is looked up by, a JSON document for the
/// rest.
///
/// Migrations go forward only. Ids are made by the application; text keys compare bytewise; nothing looks into
/// documents.
enum SQLiteSchema {
    /// The newest version this program knows.
    static let version = 5

    /// One step of a migration: a statement, or work on what is there.
    private enum Step: ExpressibleByStringLiteral, Sendable {
        case statement(String)
        case work(@Sendable (Database) throws -> Void)

        init(stringLiteral text: String) { self = .statement(text) }

        func carryOut(in database: Database) throws {
            switch self {
            case .statement(let sql): try database.execute(sql: sql)
            case .work(let body): try body(database)
            }
        }
    }

    private static let migrations: [[Step]] = [
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
        ],
        [
            "ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT ''",
            .work(chainAudit),
            "CREATE TABLE audit_checkpoints (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            """
            CREATE TRIGGER audit_is_never_updated BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
            """
            CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
            """
            CREATE TRIGGER audit_checkpoints_are_never_updated BEFORE UPDATE ON audit_checkpoints
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
            """
            CREATE TRIGGER audit_checkpoints_are_never_deleted BEFORE DELETE ON audit_checkpoints
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
        ],
        ["CREATE TABLE key_sets (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)"],
        ["CREATE TABLE restores (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)"],
        [
            "CREATE TABLE audit_beginnings (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
            """
            CREATE TRIGGER audit_beginnings_are_never_updated BEFORE UPDATE ON audit_beginnings
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
            """
            CREATE TRIGGER audit_beginnings_are_never_deleted BEFORE DELETE ON audit_beginnings
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
            "DROP TRIGGER audit_is_never_deleted",
            """
            CREATE TRIGGER audit_is_cut_at_its_beginning BEFORE DELETE ON audit
            WHEN NOT EXISTS (SELECT 1 FROM audit_beginnings WHERE number >= OLD.number)
            BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
            """,
        ],
    ]

    /// Hashes the rows that a program wrote which did not hash them.
    private static func chainAudit(_ database: Database) throws {
        var hash = Digest.zero
        for number in try Int64.fetchAll(database, sql: "SELECT number FROM audit ORDER BY number") {
            let text = try String.fetchOne(
                database, sql: "SELECT document FROM audit WHERE number = :number", arguments: ["number": number])
            guard let text else { continue }
            let event: AuditEvent = try Documents.record(text, of: "audit")
            hash = AuditChain.hash(of: event, after: hash, digest: SHA256().digest)
            try database.execute(
                sql: "UPDATE audit SET hash = :hash WHERE number = :number",
                arguments: ["hash": hash.hex, "number": number])
        }
    }

    /// Brings a database to the newest version.
    ///
    /// - Throws: ``SQLStoreError/newerSchema(found:known:)`` for a database that a newer program wrote.
    static func migrate(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        let found = try Int.fetchOne(database, sql: "SELECT version FROM schema_version") ?? 0
        guard found <= version else { throw SQLStoreError.newerSchema(found: found, known: version) }
        for steps in migrations.dropFirst(found) {
            for step in steps { try step.carryOut(in: database) }
        }
        try database.execute(sql: "DELETE FROM schema_version")
        try database.execute(
            sql: "INSERT INTO schema_version (version) VALUES (:version)", arguments: ["version": version])
    }
}
