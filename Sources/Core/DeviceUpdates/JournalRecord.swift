/// What the agent remembers of an update across a power cut.
public struct JournalRecord: Hashable, Sendable {
    /// Counts the records from 1; of two valid ones the larger is true.
    public var sequence: UInt64
    /// Where the machine is.
    public var state: UpdateState
    /// The largest assignment number taken up.
    public var accepted: UInt64
    /// The sequence number reserved for the report of an ending, 0 in other states.
    ///
    /// It makes reporting idempotent.
    public var reportSequence: UInt64

    /// Makes a record.
    public init(sequence: UInt64, state: UpdateState, accepted: UInt64, reportSequence: UInt64 = 0) {
        self.sequence = sequence
        self.state = state
        self.accepted = accepted
        self.reportSequence = reportSequence
    }

    /// The record that holds, of what the two slots contain: the valid one with the larger sequence.
    ///
    /// - Returns: nil when neither is valid, as on a device that never updated.
    public static func newest(_ first: [UInt8]?, _ second: [UInt8]?) -> JournalRecord? {
        let records = [first, second].compactMap { $0.flatMap(JournalRecord.init(encoded:)) }
        return records.max { $0.sequence < $1.sequence }
    }
}
