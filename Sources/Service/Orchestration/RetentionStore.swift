public import Fleet
public import WireFormat

/// One removal of what is kept no longer.
public enum StoreRemoval: Hashable, Sendable {
    /// Removes the evidence of a step up to a tick.
    case evidence(DrawnStep, through: Int)
    /// Removes the experiment of a step that has no evidence any more.
    case experiment(DrawnStep)
    /// Removes the audit rows up to a number; refused beyond where the log begins.
    case audit(through: UInt64)
}

/// A step that was drawn, by its key.
public struct DrawnStep: Hashable, Sendable {
    /// The rollout.
    public var rollout: RolloutID
    /// The step, counted from 1.
    public var step: Int

    /// Names a step.
    public init(rollout: RolloutID, step: Int) {
        self.rollout = rollout
        self.step = step
    }
}

/// How much is stored.
public struct StoredExtent: Hashable, Sendable {
    /// How many rows.
    public var rows: Int
    /// How many bytes they hold.
    public var bytes: Int
    /// The key of the last of them: a tick, or the number of an audit row; 0 where there are none.
    public var last: UInt64

    /// Describes rows.
    public init(rows: Int = 0, bytes: Int = 0, last: UInt64 = 0) {
        self.rows = rows
        self.bytes = bytes
        self.last = last
    }
}

/// What a store says about what it could do without.
public protocol RetentionStore: Sendable {
    /// Every step whose experiment is stored, by rollout and step.
    func drawnSteps() throws -> [DrawnStep]

    /// How much evidence of a step is stored, of its oldest rows at most `limit`.
    func evidenceExtent(of step: DrawnStep, limit: Int) throws -> StoredExtent

    /// How much of the audit log is stored up to a row, of its oldest rows at most `limit`.
    func auditExtent(through number: UInt64, limit: Int) throws -> StoredExtent

    /// Where the audit log begins: behind the checkpoint of that number; nil for a log that is whole.
    func auditBeginning() throws -> AuditMark?
}
