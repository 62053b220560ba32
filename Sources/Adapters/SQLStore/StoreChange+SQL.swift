import Fleet
import Foundation
import GRDB
import Orchestration
import Rollouts
import WireFormat

extension StoreChange {
    /// Carries the change out within the transaction that is open.
    func write(to database: Database) throws {
        switch self {
        case .device(let device): try Documents.put(database, "devices", "id", device.id.rawValue, device)
        case .telemetry(let record):
            try Documents.put(database, "telemetry", "device", record.device.rawValue, record)
        case .apiKey(let key): try Documents.put(database, "api_keys", "id", key.id, key)
        case .apiKeyRemoved(let id): try Documents.remove(database, "api_keys", "id", id)
        case .token(let token): try Documents.put(database, "enrolment_tokens", "id", token.id, token)
        case .publisherKey(let key):
            try Documents.put(database, "publisher_keys", "fingerprint", key.fingerprint ?? key.pem, key)
        case .version(let version): try insert(version, into: database)
        case .versionSigned(let version):
            try database.cachedStatement(sql: "UPDATE versions SET document = :document WHERE digest = :digest")
                .execute(arguments: ["digest": version.digest.hex, "document": try Documents.text(version)])
        case .policy(let policy): try Documents.put(database, "policies", "name", policy.name.rawValue, policy)
        case .policyRemoved(let name): try Documents.remove(database, "policies", "name", name.rawValue)
        case .deployment(let deployment):
            try Documents.put(database, "deployments", "name", deployment.name.rawValue, deployment)
        case .deploymentRemoved(let name): try Documents.remove(database, "deployments", "name", name.rawValue)
        case .rollout(let rollout): try Documents.put(database, "rollouts", "id", rollout.id.rawValue, rollout)
        case .decisionLabelled(let rollout, let decision):
            try database.cachedStatement(
                sql: "UPDATE decisions SET document = :document WHERE rollout = :rollout AND number = :number"
            ).execute(arguments: [
                "rollout": rollout.rawValue, "number": decision.number, "document": try Documents.text(decision),
            ])
        case .keySet, .experiment, .evidence, .decision, .audit, .auditCheckpoint, .reply: try append(to: database)
        }
    }

    /// What is only ever added.
    private func append(to database: Database) throws {
        switch self {
        case .keySet(let set):
            try database.cachedStatement(sql: "INSERT INTO key_sets (number, document) VALUES (:number, :document)")
                .execute(arguments: ["number": Int64(clamping: set.number), "document": try Documents.text(set)])
        case .experiment(let stored):
            try database.cachedStatement(
                sql: "INSERT INTO experiments (rollout, step, document) VALUES (:rollout, :step, :document)"
            ).execute(arguments: [
                "rollout": stored.rollout.rawValue, "step": stored.step, "document": try Documents.text(stored),
            ])
        case .evidence(let row):
            try database.cachedStatement(
                sql: """
                    INSERT INTO evidence (rollout, step, tick, observations)
                    VALUES (:rollout, :step, :tick, :observations)
                    """
            ).execute(arguments: [
                "rollout": row.rollout.rawValue, "step": row.step, "tick": row.tick, "observations": Data(row.bytes),
            ])
        case .decision(let rollout, let decision):
            try database.cachedStatement(
                sql: "INSERT INTO decisions (rollout, number, document) VALUES (:rollout, :number, :document)"
            ).execute(arguments: [
                "rollout": rollout.rawValue, "number": decision.number, "document": try Documents.text(decision),
            ])
        case .audit(let event): try insert(event, into: database)
        case .auditCheckpoint(let mark):
            try database.cachedStatement(
                sql: "INSERT INTO audit_checkpoints (number, document) VALUES (:number, :document)"
            ).execute(arguments: ["number": Int64(clamping: mark.number), "document": try Documents.text(mark)])
        case .reply(let reply): try insert(reply, into: database)
        case .device, .telemetry, .apiKey, .apiKeyRemoved, .token, .publisherKey, .version, .versionSigned, .policy,
            .policyRemoved, .deployment, .deploymentRemoved, .rollout, .decisionLabelled:
            preconditionFailure("records that replace each other are not appended")
        }
    }

    private func insert(_ version: VersionResource, into database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO versions (digest, model, name, document) VALUES (:digest, :model, :name, :document)"
        ).execute(arguments: [
            "digest": version.digest.hex, "model": version.model.rawValue, "name": version.version.rawValue,
            "document": try Documents.text(version),
        ])
    }

    /// The hash has a column of its own: rows of older programs have none in their document.
    private func insert(_ event: AuditEvent, into database: Database) throws {
        var document = event
        document.hash = nil
        try database.cachedStatement(
            sql: "INSERT INTO audit (number, document, hash) VALUES (:number, :document, :hash)"
        ).execute(arguments: [
            "number": Int64(clamping: event.number), "document": try Documents.text(document),
            "hash": event.hash?.hex ?? "",
        ])
    }

    /// Keeps a reply for 24 hours.
    private func insert(_ reply: StoredReply, into database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM replies WHERE at < :oldest")
            .execute(arguments: ["oldest": reply.at.milliseconds - 86_400_000])
        try database.cachedStatement(
            sql: "INSERT INTO replies (key, at, document) VALUES (:key, :at, :document) ON CONFLICT (key) DO NOTHING"
        ).execute(arguments: [
            "key": reply.key, "at": reply.at.milliseconds, "document": try Documents.text(reply),
        ])
    }
}
