public import Fleet
import Foundation
public import Orchestration
public import PostgreSQLClient
import Rollouts
public import WireFormat

/// The controller's store in a database: the same statements on SQLite and on PostgreSQL.
public final class DatabaseStore: OrchestratorStore {
    let engine: any SQLEngine

    /// Opens or makes a SQLite file and brings it to the newest schema.
    ///
    /// - Throws: ``SQLStoreError``; ``SQLStoreError/inUse(path:)`` while another controller has it open.
    public init(sqlite path: String) throws {
        engine = try SQLiteEngine(path: path)
    }

    /// Opens a PostgreSQL database as its only controller and brings it to the newest schema.
    ///
    /// - Throws: ``SQLStoreError``; ``SQLStoreError/inUse(path:)`` while another controller has it open.
    public init(postgreSQL address: PostgreSQLAddress, _ limits: PostgreSQLLimits = PostgreSQLLimits()) throws {
        engine = try PostgreSQLEngine(address, limits)
    }

    // MARK: - Writing

    /// See `OrchestratorStore`.
    public func commit(_ changes: [StoreChange]) throws {
        try engine.write(try changes.flatMap { try $0.statements })
    }

    /// See `OrchestratorStore`.
    public func settle() throws -> Bool { try engine.settle() }

    // MARK: - Reading

    /// See `OrchestratorStore`.
    public func load() throws -> StoredState {
        try engine.read("load") { reading in
            var state = StoredState()
            state.devices = try Documents.all(reading, "devices", by: "id")
            state.telemetry = try Documents.all(reading, "telemetry", by: "device")
            state.apiKeys = try Documents.all(reading, "api_keys", by: "id")
            state.tokens = try Documents.all(reading, "enrolment_tokens", by: "id")
            state.publisherKeys = try Documents.all(reading, "publisher_keys", by: "fingerprint")
            state.keySets = try Documents.rows(
                reading, "key_sets", SQLStatement("SELECT document FROM key_sets ORDER BY number"))
            state.restores = try Documents.rows(
                reading, "restores", SQLStatement("SELECT document FROM restores ORDER BY number"))
            state.versions = try Documents.all(reading, "versions", by: "digest")
            state.policies = try Documents.all(reading, "policies", by: "name")
            state.deployments = try Documents.all(reading, "deployments", by: "name")
            state.rollouts = try Documents.all(reading, "rollouts", by: "id")
            for row in try reading.rows(
                SQLStatement("SELECT rollout, document FROM decisions ORDER BY rollout, number"))
            {
                let decision: Decision = try Documents.record(row.text(1), of: "decisions")
                state.decisions[try RolloutID(row.text(0)), default: []].append(decision)
            }
            return state
        }
    }

    /// See `OrchestratorStore`.
    public func experiment(rollout: RolloutID, step: Int) throws -> StoredExperiment? {
        try engine.read("read an experiment") { reading in
            let found: [StoredExperiment] = try Documents.rows(
                reading, "experiments",
                SQLStatement(
                    "SELECT document FROM experiments WHERE rollout = :rollout AND step = :step",
                    ["rollout": .text(rollout.rawValue), "step": .integer(Int64(step))]))
            return found.first
        }
    }

    /// See `OrchestratorStore`.
    public func evidence(rollout: RolloutID, step: Int) throws -> [EvidenceRow] {
        try engine.read("read evidence") { reading in
            try reading.rows(
                SQLStatement(
                    "SELECT tick, observations FROM evidence WHERE rollout = :rollout AND step = :step ORDER BY tick",
                    ["rollout": .text(rollout.rawValue), "step": .integer(Int64(step))])
            ).map { row in
                EvidenceRow(rollout: rollout, step: step, tick: Int(try row.integer(0)), bytes: try row.bytes(1))
            }
        }
    }

    /// See `OrchestratorStore`.
    public func audit(after: UInt64, limit: Int) throws -> [AuditEvent] {
        try events(
            "SELECT document, hash FROM audit WHERE number > :after ORDER BY number LIMIT :limit",
            ["after": .integer(Int64(clamping: after)), "limit": .integer(Int64(limit))])
    }

    /// See `OrchestratorStore`.
    public func newestAudit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        try events(
            "SELECT document, hash FROM audit WHERE number < :before ORDER BY number DESC LIMIT :limit",
            ["before": .integer(Int64(clamping: before ?? .max)), "limit": .integer(Int64(limit))])
    }

    private func events(_ text: String, _ values: [String: SQLValue]) throws -> [AuditEvent] {
        try engine.read("read the audit log") { reading in
            try reading.rows(SQLStatement(text, values)).map { row in
                var event: AuditEvent = try Documents.record(row.text(0), of: "audit")
                event.hash = Digest(hex: try row.text(1))
                return event
            }
        }
    }

    /// See `OrchestratorStore`.
    public func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        try engine.read("read the audit log's checkpoints") { reading in
            try Documents.rows(
                reading, "audit_checkpoints",
                SQLStatement(
                    "SELECT document FROM audit_checkpoints WHERE number > :after ORDER BY number LIMIT :limit",
                    ["after": .integer(Int64(clamping: after)), "limit": .integer(Int64(limit))]))
        }
    }

    /// See `OrchestratorStore`.
    public func newestAuditCheckpoint() throws -> AuditMark? {
        try engine.read("read the audit log's checkpoints") { reading in
            let found: [AuditMark] = try Documents.rows(
                reading, "audit_checkpoints",
                SQLStatement("SELECT document FROM audit_checkpoints ORDER BY number DESC LIMIT 1"))
            return found.first
        }
    }

    /// See `OrchestratorStore`.
    public func reply(key: String) throws -> StoredReply? {
        try engine.read("read a reply") { reading in
            let found: [StoredReply] = try Documents.rows(
                reading, "replies",
                SQLStatement("SELECT document FROM replies WHERE key = :key", ["key": .text(key)]))
            return found.first
        }
    }

    /// See `OrchestratorStore`.
    public func probe() throws { try engine.probe() }
}
