import PostgreSQLClient

/// The schema on PostgreSQL: the tables of SQLite, with what PostgreSQL adds.
///
/// Text keys compare bytewise (collation "C"), as on SQLite; references are checked at the end of a transaction, so
/// that the order of a batch is free; documents are text and not jsonb, because nothing looks into them and jsonb
/// refuses the zero characters and rounds the numbers that JSON text may have.
enum PostgreSQLSchema {
    /// The newest version this program knows; the same tables have the same version on both engines.
    static let version = SQLiteSchema.version

    /// Held while the schema is changed, so that of two that start at once one waits.
    private static let lockNumber = ControllerTurn.lockNumber + 1

    /// What makes a database of one version one of the next, by the version it has.
    private static let migrations: [Int: [String]] = [
        3: [numbered("restores", "document \(document)")],
        4: [
            numbered("audit_beginnings", "document \(document)"),
            """
            CREATE FUNCTION audit_is_cut_at_its_beginning() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM audit_beginnings WHERE number >= OLD.number) THEN RETURN OLD; END IF;
                RAISE EXCEPTION 'the audit log is only ever added to';
            END $$
            """,
            "DROP TRIGGER audit_never_changes ON audit",
            """
            CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
            FOR EACH ROW EXECUTE FUNCTION audit_is_only_added_to()
            """,
            """
            CREATE TRIGGER audit_is_cut_at_its_beginning BEFORE DELETE ON audit
            FOR EACH ROW EXECUTE FUNCTION audit_is_cut_at_its_beginning()
            """,
        ] + guards("audit_beginnings"),
    ]

    /// What makes an empty database one of version 4.
    private static let creation: [String] =
        [
            table("devices", "id \(key)"), table("api_keys", "id \(key)"), table("enrolment_tokens", "id \(key)"),
            """
            CREATE TABLE telemetry (
                device TEXT COLLATE "C" PRIMARY KEY REFERENCES devices (id) DEFERRABLE INITIALLY DEFERRED,
                document \(document)) WITH (fillfactor = 70)
            """,
            table("publisher_keys", "fingerprint \(key)"),
            """
            CREATE TABLE versions (
                digest \(key), model TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, document \(document),
                CONSTRAINT versions_model_name UNIQUE (model, name))
            """,
            table("policies", "name \(key)"), table("deployments", "name \(key)"), table("rollouts", "id \(key)"),
            """
            CREATE TABLE experiments (
                rollout \(rollout), step INTEGER NOT NULL CHECK (step >= 1), document \(document),
                PRIMARY KEY (rollout, step))
            """,
            """
            CREATE TABLE evidence (
                rollout TEXT COLLATE "C" NOT NULL, step INTEGER NOT NULL, tick INTEGER NOT NULL CHECK (tick >= 1),
                observations BYTEA NOT NULL, PRIMARY KEY (rollout, step, tick),
                FOREIGN KEY (rollout, step) REFERENCES experiments (rollout, step) DEFERRABLE INITIALLY DEFERRED)
            """,
            """
            CREATE TABLE decisions (
                rollout \(rollout), number INTEGER NOT NULL CHECK (number >= 1), document \(document),
                PRIMARY KEY (rollout, number))
            """,
            numbered("audit", "document \(document), hash TEXT COLLATE \"C\" NOT NULL"),
            numbered("audit_checkpoints", "document \(document)"), numbered("key_sets", "document \(document)"),
            numbered("restores", "document \(document)"),
            "CREATE TABLE replies (key \(key), at BIGINT NOT NULL, document \(document))",
            "CREATE INDEX replies_at ON replies (at)",
            """
            CREATE TABLE controller (
                one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), epoch BIGINT NOT NULL, committed BIGINT NOT NULL)
            """,
            "INSERT INTO controller (epoch, committed) VALUES (0, 0)",
            """
            CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$
            """,
        ] + ["audit", "audit_checkpoints"].flatMap(guards)

    private static let key = "TEXT COLLATE \"C\" PRIMARY KEY"
    private static let document = "TEXT NOT NULL CHECK (document <> '')"
    private static let rollout =
        "TEXT COLLATE \"C\" NOT NULL REFERENCES rollouts (id) DEFERRABLE INITIALLY DEFERRED"

    private static func table(_ name: String, _ key: String) -> String {
        "CREATE TABLE \(name) (\(key), document \(document))"
    }

    private static func numbered(_ name: String, _ rest: String) -> String {
        "CREATE TABLE \(name) (number BIGINT PRIMARY KEY CHECK (number >= 1), \(rest))"
    }

    private static func guards(_ table: String) -> [String] {
        [
            """
            CREATE TRIGGER \(table)_never_changes BEFORE UPDATE OR DELETE ON \(table)
            FOR EACH ROW EXECUTE FUNCTION audit_is_only_added_to()
            """,
            """
            CREATE TRIGGER \(table)_is_never_emptied BEFORE TRUNCATE ON \(table)
            FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to()
            """,
        ]
    }

    /// The version of a database; 0 for an empty one.
    static func found(_ connection: PostgreSQLConnection, within seconds: Double) throws -> Int {
        // By the catalogue's rows: a name that was looked up before stays unknown to the session's own memory.
        let there = try connection.run(
            [
                PostgreSQLCommand(
                    "SELECT 1 FROM pg_class WHERE relname = 'schema_version' AND pg_table_is_visible(oid)")
            ], within: seconds)
        guard there.first?.rows.isEmpty == false else { return 0 }
        let rows = try connection.run(
            [PostgreSQLCommand("SELECT version FROM schema_version")], within: seconds)
        guard case .integer(let version)? = rows.first?.rows.first?.first else { return 0 }
        return Int(version)
    }

    /// Brings a database to the newest version; changes nothing in one that has it.
    ///
    /// - Throws: ``SQLStoreError/newerSchema(found:known:)`` for a database that a newer program wrote;
    ///   ``SQLStoreError/olderSchema(found:known:)`` where the role may not change an older one.
    static func bringUp(_ connection: PostgreSQLConnection, within seconds: Double) throws {
        let before = try found(connection, within: seconds)
        guard before <= version else { throw SQLStoreError.newerSchema(found: before, known: version) }
        guard before < version else { return }
        do {
            _ = try connection.run(
                [
                    PostgreSQLCommand("BEGIN"),
                    PostgreSQLCommand("SELECT pg_advisory_xact_lock($1)", [.integer(lockNumber)]),
                ], within: seconds)
            // Looked at again under the lock: another one may have done it meanwhile.
            let there = try found(connection, within: seconds)
            if there < version {
                // One at a time: a statement is prepared on the tables that those before it made.
                for statement in steps(from: there) {
                    _ = try connection.run([PostgreSQLCommand(statement)], within: seconds)
                }
            }
            _ = try connection.run([PostgreSQLCommand("COMMIT")], within: seconds)
        } catch let error as PostgreSQLError {
            _ = try? connection.run([PostgreSQLCommand("ROLLBACK")], within: seconds)
            guard error.state == "42501" else { throw error }
            throw SQLStoreError.olderSchema(found: before, known: version)
        }
    }

    private static func steps(from found: Int) -> [String] {
        let created = ["CREATE TABLE schema_version (version INTEGER NOT NULL)"]
        return (found == 0 ? creation + created : [])
            + ((found == 0 ? 4 : found)..<version).flatMap { migrations[$0] ?? [] } + [
                "DELETE FROM schema_version", "INSERT INTO schema_version (version) VALUES (\(version))",
            ]
    }
}
