import Fleet
public import Orchestration
public import WireFormat

extension DatabaseStore {
    /// See `RetentionStore`.
    public func drawnSteps() throws -> [DrawnStep] {
        try engine.read("look for evidence") { reading in
            try reading.rows(SQLStatement("SELECT rollout, step FROM experiments ORDER BY rollout, step")).map { row in
                DrawnStep(rollout: try RolloutID(row.text(0)), step: Int(try row.integer(1)))
            }
        }
    }

    /// See `RetentionStore`.
    public func evidenceExtent(of step: DrawnStep, limit: Int) throws -> StoredExtent {
        var values = step.values
        values["limit"] = .integer(Int64(limit))
        let statement = SQLStatement(
            """
            SELECT COUNT(*), COALESCE(SUM(size), 0), COALESCE(MAX(tick), 0) FROM (
                SELECT tick, LENGTH(observations) AS size FROM evidence
                WHERE rollout = :rollout AND step = :step ORDER BY tick LIMIT :limit) AS oldest
            """, values)
        return try engine.read("measure evidence") { reading in try StoredExtent(try reading.rows(statement).first) }
    }

    /// See `RetentionStore`.
    public func auditExtent(through number: UInt64, limit: Int) throws -> StoredExtent {
        // Bytes are counted here: the engines count the characters of a text, each in its own way.
        let statement = SQLStatement(
            "SELECT number, document FROM audit WHERE number <= :through ORDER BY number LIMIT :limit",
            ["through": .integer(Int64(clamping: number)), "limit": .integer(Int64(limit))])
        return try engine.read("measure the audit log") { reading in
            var extent = StoredExtent()
            for row in try reading.rows(statement) {
                extent.rows += 1
                extent.bytes += try row.text(1).utf8.count
                extent.last = UInt64(clamping: try row.integer(0))
            }
            return extent
        }
    }

    /// See `RetentionStore`.
    public func auditBeginning() throws -> AuditMark? {
        try engine.read("read where the audit log begins") { reading in
            let found: [AuditMark] = try Documents.rows(
                reading, "audit_beginnings",
                SQLStatement("SELECT document FROM audit_beginnings ORDER BY number DESC LIMIT 1"))
            return found.first
        }
    }
}

extension StoredExtent {
    fileprivate init(_ row: SQLRow?) throws {
        guard let row else {
            self.init()
            return
        }
        self.init(
            rows: Int(try row.integer(0)), bytes: Int(try row.integer(1)), last: UInt64(clamping: try row.integer(2)))
    }
}

extension DrawnStep {
    fileprivate var values: [String: SQLValue] {
        ["rollout": .text(rollout.rawValue), "step": .integer(Int64(step))]
    }
}

extension StoreRemoval {
    /// The statement that carries the removal out.
    var statement: SQLStatement {
        switch self {
        case .evidence(let step, let tick):
            var values = step.values
            values["through"] = .integer(Int64(tick))
            return SQLStatement(
                "DELETE FROM evidence WHERE rollout = :rollout AND step = :step AND tick <= :through", values)
        case .experiment(let step):
            return SQLStatement("DELETE FROM experiments WHERE rollout = :rollout AND step = :step", step.values)
        case .audit(let number):
            return SQLStatement(
                "DELETE FROM audit WHERE number <= :through", ["through": .integer(Int64(clamping: number))])
        }
    }
}
