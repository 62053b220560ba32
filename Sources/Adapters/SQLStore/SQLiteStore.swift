public import Fleet
import Foundation
import GRDB
public import Orchestration
import Rollouts
public import WireFormat

/// The controller's store on SQLite: write-ahead log, synchronous FULL, so that a commit that returned survives a power
/// cut.
public final class SQLiteStore: OrchestratorStore {
    let pool: DatabasePool
    private let lock: ControllerLock

    /// Opens or makes a database file and brings it to the newest schema.
    ///
    /// - Throws: ``SQLStoreError``; ``SQLStoreError/inUse(path:)`` while another controller has it open.
    public init(path: String) throws {
        lock = try ControllerLock(path: path + ".lock")
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let settings = configuration
        pool = try Self.named("open \(path)") {
            let pool = try DatabasePool(path: path, configuration: settings)
            // Set here and not in the configuration: a pool sets its writer to NORMAL when it turns the log on.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.write { try Schema.migrate($0) }
            return pool
        }
    }

    // MARK: - Writing

    /// See `OrchestratorStore`.
    public func commit(_ changes: [StoreChange]) throws {
        try Self.named("commit") {
            try pool.write { database in
                for change in changes { try change.write(to: database) }
            }
        }
    }

    // MARK: - Reading

    /// See `OrchestratorStore`.
    public func load() throws -> StoredState {
        try Self.named("load") {
            try pool.read { database in
                var state = StoredState()
                state.devices = try Documents.all(database, "devices", by: "id")
                state.telemetry = try Documents.all(database, "telemetry", by: "device")
                state.apiKeys = try Documents.all(database, "api_keys", by: "id")
                state.tokens = try Documents.all(database, "enrolment_tokens", by: "id")
                state.publisherKeys = try Documents.all(database, "publisher_keys", by: "fingerprint")
                state.keySets = try Documents.all(database, "key_sets", by: "number")
                state.versions = try Documents.all(database, "versions", by: "digest")
                state.policies = try Documents.all(database, "policies", by: "name")
                state.deployments = try Documents.all(database, "deployments", by: "name")
                state.rollouts = try Documents.all(database, "rollouts", by: "id")
                for rollout in state.rollouts {
                    state.decisions[rollout.id] = try Documents.rows(
                        database, "decisions",
                        "SELECT document FROM decisions WHERE rollout = :rollout ORDER BY number",
                        ["rollout": rollout.id.rawValue])
                }
                return state
            }
        }
    }

    /// See `OrchestratorStore`.
    public func experiment(rollout: RolloutID, step: Int) throws -> StoredExperiment? {
        try Self.named("read an experiment") {
            try pool.read { database in
                let found: [StoredExperiment] = try Documents.rows(
                    database, "experiments",
                    "SELECT document FROM experiments WHERE rollout = :rollout AND step = :step",
                    ["rollout": rollout.rawValue, "step": step])
                return found.first
            }
        }
    }

    /// See `OrchestratorStore`.
    public func evidence(rollout: RolloutID, step: Int) throws -> [EvidenceRow] {
        try Self.named("read evidence") {
            try pool.read { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT tick, observations FROM evidence WHERE rollout = :rollout AND step = :step ORDER BY tick
                        """, arguments: ["rollout": rollout.rawValue, "step": step]
                ).map { row in
                    EvidenceRow(
                        rollout: rollout, step: step, tick: row["tick"], bytes: [UInt8](row["observations"] as Data))
                }
            }
        }
    }

    /// See `OrchestratorStore`.
    public func audit(after: UInt64, limit: Int) throws -> [AuditEvent] {
        try Self.named("read the audit log") {
            try pool.read { database in
                try Self.events(
                    database, "SELECT document, hash FROM audit WHERE number > :after ORDER BY number LIMIT :limit",
                    ["after": Int64(clamping: after), "limit": limit])
            }
        }
    }

    /// See `OrchestratorStore`.
    public func newestAudit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        try Self.named("read the audit log") {
            try pool.read { database in
                try Self.events(
                    database,
                    "SELECT document, hash FROM audit WHERE number < :before ORDER BY number DESC LIMIT :limit",
                    ["before": Int64(clamping: before ?? .max), "limit": limit])
            }
        }
    }

    private static func events(
        _ database: Database, _ sql: String, _ arguments: StatementArguments
    ) throws -> [AuditEvent] {
        try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
            var event: AuditEvent = try Documents.record(row["document"], of: "audit")
            event.hash = Digest(hex: row["hash"])
            return event
        }
    }

    /// See `OrchestratorStore`.
    public func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        try Self.named("read the audit log's checkpoints") {
            try pool.read { database in
                try Documents.rows(
                    database, "audit_checkpoints",
                    "SELECT document FROM audit_checkpoints WHERE number > :after ORDER BY number LIMIT :limit",
                    ["after": Int64(clamping: after), "limit": limit])
            }
        }
    }

    /// See `OrchestratorStore`.
    public func newestAuditCheckpoint() throws -> AuditMark? {
        try Self.named("read the audit log's checkpoints") {
            try pool.read { database in
                let found: [AuditMark] = try Documents.rows(
                    database, "audit_checkpoints",
                    "SELECT document FROM audit_checkpoints ORDER BY number DESC LIMIT 1", [:])
                return found.first
            }
        }
    }

    /// See `OrchestratorStore`.
    public func reply(key: String) throws -> StoredReply? {
        try Self.named("read a reply") {
            try pool.read { database in
                let found: [StoredReply] = try Documents.rows(
                    database, "replies", "SELECT document FROM replies WHERE key = :key", ["key": key])
                return found.first
            }
        }
    }

    /// See `OrchestratorStore`.
    public func probe() throws {
        try Self.named("probe") {
            try pool.read { database in _ = try Int.fetchOne(database, sql: "SELECT 1") }
        }
    }

    private static func named<Result>(_ operation: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw SQLStoreError.database(
                operation: operation, code: Int(error.resultCode.rawValue), reason: error.message ?? "no words")
        }
    }
}
