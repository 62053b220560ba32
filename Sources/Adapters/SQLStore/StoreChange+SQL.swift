import Fleet
import Orchestration
import Rollouts
import WireFormat

extension StoreChange {
    /// The statements that carry the change out.
    var statements: [SQLStatement] {
        get throws {
            switch self {
            case .device(let device): [try Documents.put("devices", "id", device.id.rawValue, device)]
            case .telemetry(let record):
                [
                    Documents.put(
                        "telemetry", "device", record.device.rawValue, text: try record.text ?? Documents.text(record))
                ]
            case .apiKey(let key): [try Documents.put("api_keys", "id", key.id, key)]
            case .apiKeyRemoved(let id): [Documents.remove("api_keys", "id", id)]
            case .token(let token): [try Documents.put("enrolment_tokens", "id", token.id, token)]
            case .publisherKey(let key):
                [try Documents.put("publisher_keys", "fingerprint", key.fingerprint ?? key.pem, key)]
            case .version(let version): [try insertion(of: version)]
            case .versionUpdated(let version):
                [
                    SQLStatement(
                        "UPDATE versions SET document = :document WHERE digest = :digest",
                        ["digest": .text(version.digest.hex), "document": .text(try Documents.text(version))])
                ]
            case .policy(let policy): [try Documents.put("policies", "name", policy.name.rawValue, policy)]
            case .policyRemoved(let name): [Documents.remove("policies", "name", name.rawValue)]
            case .deployment(let deployment):
                [try Documents.put("deployments", "name", deployment.name.rawValue, deployment)]
            case .deploymentRemoved(let name): [Documents.remove("deployments", "name", name.rawValue)]
            case .rollout(let rollout): [try Documents.put("rollouts", "id", rollout.id.rawValue, rollout)]
            case .decisionLabelled(let rollout, let decision):
                [
                    SQLStatement(
                        "UPDATE decisions SET document = :document WHERE rollout = :rollout AND number = :number",
                        try values(of: decision, rollout))
                ]
            case .restore(let restore): [try upsert("restores", restore.number, restore)]
            case .removal(let removal): [removal.statement]
            case .keySet, .experiment, .evidence, .decision, .audit, .auditCheckpoint, .auditBeginning, .reply:
                try additions
            }
        }
    }

    /// What is only ever added.
    private var additions: [SQLStatement] {
        get throws {
            switch self {
            case .keySet(let set): [try numbered("key_sets", set.number, set)]
            case .experiment(let stored):
                [
                    SQLStatement(
                        "INSERT INTO experiments (rollout, step, document) VALUES (:rollout, :step, :document)",
                        [
                            "rollout": .text(stored.rollout.rawValue), "step": .integer(Int64(stored.step)),
                            "document": .text(try Documents.text(stored)),
                        ])
                ]
            case .evidence(let row):
                [
                    SQLStatement(
                        """
                        INSERT INTO evidence (rollout, step, tick, observations)
                        VALUES (:rollout, :step, :tick, :observations)
                        """,
                        [
                            "rollout": .text(row.rollout.rawValue), "step": .integer(Int64(row.step)),
                            "tick": .integer(Int64(row.tick)), "observations": .bytes(row.bytes),
                        ])
                ]
            case .decision(let rollout, let decision):
                [
                    SQLStatement(
                        "INSERT INTO decisions (rollout, number, document) VALUES (:rollout, :number, :document)",
                        try values(of: decision, rollout))
                ]
            case .audit(let event): [try insertion(of: event)]
            case .auditCheckpoint(let mark): [try numbered("audit_checkpoints", mark.number, mark)]
            case .auditBeginning(let mark): [try numbered("audit_beginnings", mark.number, mark)]
            case .reply(let reply): try insertion(of: reply)
            case .device, .telemetry, .apiKey, .apiKeyRemoved, .token, .publisherKey, .version, .versionUpdated,
                .policy, .policyRemoved, .deployment, .deploymentRemoved, .rollout, .decisionLabelled, .removal,
                .restore:
                preconditionFailure("records that replace each other are not appended")
            }
        }
    }

    private func numbered(_ table: String, _ number: UInt64, _ record: some Encodable) throws -> SQLStatement {
        SQLStatement(
            "INSERT INTO \(table) (number, document) VALUES (:number, :document)",
            ["number": .integer(Int64(clamping: number)), "document": .text(try Documents.text(record))])
    }

    private func upsert(_ table: String, _ number: UInt64, _ record: some Encodable) throws -> SQLStatement {
        let inserted = try numbered(table, number, record)
        return SQLStatement(
            inserted.text + " ON CONFLICT (number) DO UPDATE SET document = excluded.document", inserted.values)
    }

    private func values(of decision: Decision, _ rollout: RolloutID) throws -> [String: SQLValue] {
        [
            "rollout": .text(rollout.rawValue), "number": .integer(Int64(decision.number)),
            "document": .text(try Documents.text(decision)),
        ]
    }

    private func insertion(of version: VersionResource) throws -> SQLStatement {
        SQLStatement(
            "INSERT INTO versions (digest, model, name, document) VALUES (:digest, :model, :name, :document)",
            [
                "digest": .text(version.digest.hex), "model": .text(version.model.rawValue),
                "name": .text(version.version.rawValue), "document": .text(try Documents.text(version)),
            ])
    }

    /// The hash has a column of its own: rows of older programs have none in their document.
    private func insertion(of event: AuditEvent) throws -> SQLStatement {
        var document = event
        document.hash = nil
        return SQLStatement(
            "INSERT INTO audit (number, document, hash) VALUES (:number, :document, :hash)",
            [
                "number": .integer(Int64(clamping: event.number)), "document": .text(try Documents.text(document)),
                "hash": .text(event.hash?.hex ?? ""),
            ])
    }

    /// Keeps a reply for 24 hours.
    private func insertion(of reply: StoredReply) throws -> [SQLStatement] {
        [
            SQLStatement(
                "DELETE FROM replies WHERE at < :oldest", ["oldest": .integer(reply.at.milliseconds - 86_400_000)]),
            SQLStatement(
                """
                INSERT INTO replies (key, at, document) VALUES (:key, :at, :document) ON CONFLICT (key) DO NOTHING
                """,
                [
                    "key": .text(reply.key), "at": .integer(reply.at.milliseconds),
                    "document": .text(try Documents.text(reply)),
                ]),
        ]
    }
}
