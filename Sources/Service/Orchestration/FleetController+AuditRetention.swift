import AuditTrail
import Fleet
import Rollouts
import WireFormat

/// Why the oldest rows of the audit log are not removed although they are old enough.
struct AuditRetentionRefusal: Error, CustomStringConvertible {
    let row: UInt64

    var description: String {
        "the audit log was changed at or before row \(row), and what shows that is not removed; find the change with "
            + "`edgectl audit verify` and restore the database from a backup"
    }
}

extension FleetController {
    /// So many audit rows are removed at once.
    private static let auditRows = 500
    /// So many rows or checkpoints are read at once.
    private static let page = 1000

    /// Removes rows before the beginning, or moves the beginning.
    func removeAudit() throws -> Bool {
        let began = auditBeginning
        if let began {
            let left = try surroundings.store.auditExtent(through: began.number, limit: Self.auditRows)
            if left.rows > 0 {
                try transact { draft in
                    draft.isUpkeep = true
                    draft.add(.removal(.audit(through: left.last)))
                }
                fleetMetrics.removed(.audit, count: left.rows, bytes: UInt64(left.bytes))
                return true
            }
        }
        guard let checkpoint = try nextAuditBeginning(surroundings.retention) else { return false }
        try requireUnchanged(after: began, to: checkpoint)
        let content = AuditSeal(
            number: checkpoint.number, hash: checkpoint.hash,
            previous: surroundings.cryptography.digest(Array(checkpoint.seal.utf8)), issuedAt: now.milliseconds / 1000)
        let seal = try surroundings.cryptography.sign(
            payload: content.serialized(), type: AuditSeal.Kind.beginning.tokenType)
        try transact { draft in
            draft.isUpkeep = true
            draft.add(
                .auditBeginning(
                    AuditMark(number: checkpoint.number, hash: checkpoint.hash, at: draft.now, seal: seal)))
            draft.audit(
                "controller", "audit.remove", "audit",
                [
                    "through": "\(checkpoint.number)", "signed": "\(checkpoint.at)",
                    "kept": "\(surroundings.retention.audit)",
                ])
        }
        return true
    }

    /// The checkpoint that the log is to begin behind by these settings; nil where it begins where it should.
    func nextAuditBeginning(_ retention: Retention) throws -> AuditMark? {
        guard let seconds = retention.audit.seconds else { return nil }
        let now = now
        let store = surroundings.store
        let began = auditBeginning
        let beganAt = try began.flatMap { mark in
            try store.auditCheckpoints(after: mark.number - 1, limit: 1).first?.at
        }
        var marks: [AuditMark] = []
        while true {
            let page = try store.auditCheckpoints(after: marks.last?.number ?? began?.number ?? 0, limit: Self.page)
            let old = page.prefix { now.seconds(since: $0.at) >= seconds }
            marks += old
            guard old.count == Self.page else { break }
        }
        return retention.auditBeginning(marks.map(\.at), beganAt: beganAt, at: now).map { marks[$0] }
    }

    /// Makes sure that the rows which are to go are those that the checkpoint was signed over.
    private func requireUnchanged(after began: AuditMark?, to checkpoint: AuditMark) throws {
        var number = began?.number ?? 0
        var hash = began?.hash ?? .zero
        while number < checkpoint.number {
            let rows = try surroundings.store.audit(
                after: number, limit: Int(min(UInt64(Self.page), checkpoint.number - number)))
            guard !rows.isEmpty else { throw AuditRetentionRefusal(row: number + 1) }
            for row in rows {
                let expected = AuditChain.hash(of: row, after: hash, digest: surroundings.cryptography.digest)
                guard row.number == number + 1, row.hash == expected else {
                    throw AuditRetentionRefusal(row: number + 1)
                }
                number = row.number
                hash = expected
            }
        }
        guard hash == checkpoint.hash else { throw AuditRetentionRefusal(row: checkpoint.number) }
    }
}
