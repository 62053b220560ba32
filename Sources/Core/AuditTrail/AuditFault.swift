/// The first thing that is wrong with an audit log.
public struct AuditFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, as a stable name.
    public enum Code: String, Error, Hashable, Sendable, CaseIterable {
        /// A line is not in the one form in which rows, checkpoints and heads are written.
        case lineMalformed = "line_malformed"
        /// The log does not begin with its signed head.
        case headMissing = "head_missing"
        /// A checkpoint, head or beginning is no signed text of its kind.
        case sealMalformed = "seal_malformed"
        /// None of the given keys signed a checkpoint, the head or the beginning.
        case signatureInvalid = "signature_invalid"
        /// The beginning does not stand behind the head, or names more rows than there were.
        case beginningMisplaced = "beginning_misplaced"
        /// The beginning was signed over another checkpoint.
        case beginningMismatch = "beginning_mismatch"
        /// A row is missing, or stands in the place of another.
        case numberGap = "number_gap"
        /// A row is not what was written, or the one before it is not.
        case hashMismatch = "hash_mismatch"
        /// A checkpoint does not stand behind the last row it covers.
        case checkpointMisplaced = "checkpoint_misplaced"
        /// A checkpoint was signed over other rows.
        case checkpointMismatch = "checkpoint_mismatch"
        /// A checkpoint is missing, or stands in the place of another.
        case checkpointGap = "checkpoint_gap"
        /// The log ends before its signed head.
        case truncated = "truncated"
        /// The log goes on behind its signed head.
        case surplus = "surplus"
        /// The head was signed over other rows.
        case headMismatch = "head_mismatch"
        /// The log is not the one that was seen before: it was cut back or replaced.
        case rememberedMismatch = "remembered_mismatch"
        /// The log was restored from a backup that ends before what was seen before.
        case rememberedRestored = "remembered_restored"
    }

    /// What is wrong.
    public let code: Code
    /// The line, counted from 1.
    public let line: Int
    /// The number of the first row that cannot be relied on.
    public let entry: UInt64
    /// How many rows had been verified before, where the log was restored from an earlier backup.
    public let remembered: UInt64?

    /// Names a fault.
    public init(code: Code, line: Int, entry: UInt64, remembered: UInt64? = nil) {
        self.code = code
        self.line = line
        self.entry = entry
        self.remembered = remembered
    }

    /// A sentence for a person.
    public var description: String { "line \(line), row \(entry): \(reason) (\(code.rawValue))" }

    private var reason: String {
        switch code {
        case .lineMalformed: "the line is not as it was written"
        case .headMissing: "the first line is not a signed head"
        case .sealMalformed: "a signed text cannot be read"
        case .signatureInvalid: "a checkpoint, the head or the beginning is not signed by a key that was given"
        case .beginningMisplaced: "the beginning is in another's place, or is none of this log"
        case .beginningMismatch: "the checkpoint that the log begins behind is not the one that was signed"
        case .numberGap: "a row is missing, repeated or in another's place, and no signed beginning says why"
        case .hashMismatch: "the row was changed, or does not follow the row before it"
        case .checkpointMisplaced: "a checkpoint is missing, repeated or in another's place"
        case .checkpointMismatch: "the rows up to here are not those that the checkpoint was signed over"
        case .checkpointGap: "a checkpoint before this one is missing or was replaced"
        case .truncated: "the log ends before the end that was signed"
        case .surplus: "the log goes on behind the end that was signed"
        case .headMismatch: "the rows are not those that the head was signed over"
        case .rememberedMismatch: "the log is shorter than, or differs from, what was verified before"
        case .rememberedRestored:
            "the controller was restored from a backup that ends before this row; the log that was verified before had "
                + "\(remembered ?? 0) rows, and those from here on are lost"
        }
    }
}
