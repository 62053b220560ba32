public import Fleet

/// A restore of the controller from a backup.
public struct StoredRestore: Codable, Hashable, Sendable {
    /// Counted from 1.
    public var number: UInt64
    /// The backup's name.
    public var backup: String
    /// When the backup was taken.
    public var takenAt: Timestamp
    /// When it was restored.
    public var restoredAt: Timestamp
    /// How many rows its audit log had.
    public var auditRows: UInt64
    /// Every assignment number from then on is larger; nil until the restored controller was opened.
    public var numberFloor: UInt64?

    /// Makes a restore that no controller has followed yet.
    public init(number: UInt64, backup: String, takenAt: Timestamp, restoredAt: Timestamp, auditRows: UInt64) {
        self.number = number
        self.backup = backup
        self.takenAt = takenAt
        self.restoredAt = restoredAt
        self.auditRows = auditRows
    }
}
