import AuditTrail
import Fleet
import Synchronization
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func audit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        // Rows before the beginning are on their way out.
        let began = auditBeginning?.number ?? 0
        return try surroundings.store.newestAudit(before: before, limit: limit).filter { $0.number > began }
    }

    /// See ``FleetOperations``.
    public func audit(after: UInt64, limit: Int) throws -> [AuditEvent] {
        try surroundings.store.audit(after: max(after, auditBeginning?.number ?? 0), limit: limit)
    }

    /// See ``FleetOperations``.
    public func auditLogBeginning() throws -> AuditMark {
        guard let mark = auditBeginning else {
            throw Problem(
                code: "audit_log_whole", title: "The audit log is whole", status: 404,
                detail: "the audit log begins with its first row: retention has removed none")
        }
        return mark
    }

    /// Where the log begins; nil where it is whole.
    var auditBeginning: AuditMark? { auditEnd.withLock { $0.beginning } }

    /// See ``FleetOperations``.
    public func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        try surroundings.store.auditCheckpoints(after: after, limit: limit)
    }

    /// See ``FleetOperations``.
    public func auditHead() throws -> AuditMark {
        try auditEnd.withLock { $0 }.mark(.head, at: now, by: surroundings.cryptography)
    }

    /// Signs a checkpoint over the rows that none covers yet: before the controller stops.
    ///
    /// - Throws: what the store throws.
    public func sealAudit() throws {
        try transact { draft in draft.sealsAudit = true }
    }
}

/// The end of the audit log: the last row and the last checkpoint; what the next rows and checkpoints follow.
struct AuditEnd {
    /// A checkpoint is signed after so many rows.
    static let rowsPerCheckpoint: UInt64 = 1000
    /// A checkpoint is signed when the one before it is so old, in seconds, and rows came since.
    static let secondsPerCheckpoint = 600.0

    private(set) var number: UInt64 = 0
    private(set) var hash = Digest.zero
    private var sealed: UInt64 = 0
    private var seal = Digest.zero
    private var sealedAt: Timestamp?
    /// Where the log begins, since retention removed what was before.
    private(set) var beginning: AuditMark?
    /// True when the log ended before its newest checkpoint at the start, or differed from it.
    private(set) var isContradicted = false

    init() {}

    /// Reads where the log ended; says so where it ends before its newest checkpoint, or differs from it.
    init(
        of store: any OrchestratorStore, digest: ([UInt8]) -> Digest, log: any OrchestratorLog
    ) throws {
        beginning = try store.auditBeginning()
        if let last = try store.newestAudit(before: nil, limit: 1).first, last.number > beginning?.number ?? 0 {
            number = last.number
            hash = last.hash ?? .zero
        } else if let beginning {
            number = beginning.number
            hash = beginning.hash
        }
        guard let mark = try store.newestAuditCheckpoint() else { return }
        sealed = mark.number
        seal = digest(Array(mark.seal.utf8))
        sealedAt = mark.at
        if try contradicts(mark, store) {
            isContradicted = true
            log.error(
                "the audit log was changed",
                [
                    "checkpoint": "\(mark.number)", "end": "\(number)",
                    "remedy": "find the change with `edgectl audit verify`; restore the database from a backup",
                ])
        }
    }

    /// Whether the newest checkpoint is not over the rows that are there, or rows are missing at the beginning.
    private func contradicts(_ mark: AuditMark, _ store: any OrchestratorStore) throws -> Bool {
        let began = beginning?.number ?? 0
        if mark.number <= began { return mark.number < began || mark.hash != beginning?.hash }
        let first = try store.audit(after: began, limit: 1).first
        let covered = try store.audit(after: mark.number - 1, limit: 1).first
        return first?.number != began + 1 || covered?.number != mark.number || covered?.hash != mark.hash
    }

    /// Numbers and hashes the audit rows among changes, and adds a checkpoint where one is due or asked for.
    mutating func sealing(
        _ changes: [StoreChange], isAsked: Bool, at now: Timestamp, by cryptography: any OrchestratorCryptography
    ) throws -> [StoreChange] {
        var result = changes.map { change in
            if case .auditBeginning(let mark) = change { beginning = mark }
            guard case .audit(var event) = change else { return change }
            number += 1
            event.number = number
            hash = AuditChain.hash(of: event, after: hash, digest: cryptography.digest)
            event.hash = hash
            return .audit(event)
        }
        guard number > sealed else { return result }
        let waited = now.seconds(since: sealedAt ?? .init(milliseconds: 0))
        guard isAsked || number - sealed >= Self.rowsPerCheckpoint || waited >= Self.secondsPerCheckpoint else {
            return result
        }
        let mark = try self.mark(.checkpoint, at: now, by: cryptography)
        sealed = number
        seal = cryptography.digest(Array(mark.seal.utf8))
        sealedAt = now
        result.append(.auditCheckpoint(mark))
        return result
    }

    /// Signs how long the log is.
    func mark(
        _ kind: AuditSeal.Kind, at now: Timestamp, by cryptography: any OrchestratorCryptography
    ) throws -> AuditMark {
        let content = AuditSeal(number: number, hash: hash, previous: seal, issuedAt: now.milliseconds / 1000)
        return AuditMark(
            number: number, hash: hash, at: now,
            seal: try cryptography.sign(payload: content.serialized(), type: kind.tokenType))
    }
}
