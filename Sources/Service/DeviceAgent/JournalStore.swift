import DeviceUpdates

/// The journal on disk: two slots written in turn, so that a torn write costs only the newer record.
struct JournalStore {
    private let files: any DurableFiles
    private(set) var last: JournalRecord

    /// Opens the journal; an empty or unreadable one means that nothing was under way.
    init(files: any DurableFiles) throws(StorageFault) {
        self.files = files
        let first = try files.read(StateLayout.journal[0])
        let second = try files.read(StateLayout.journal[1])
        last = JournalRecord.newest(first, second) ?? JournalRecord(sequence: 0, state: .idle, accepted: 0)
    }

    /// Writes where the machine is, durably, before anything is done about it.
    mutating func write(_ machine: UpdateMachine, reportSequence: UInt64) throws(StorageFault) {
        let record = JournalRecord(
            sequence: last.sequence + 1, state: machine.state, accepted: machine.accepted,
            reportSequence: reportSequence)
        let slot = StateLayout.journal[Int(record.sequence % 2)]
        try files.write(slot, record.encoded, isSecret: false)
        try files.sync(slot)
        // Only the first write of a slot makes a name, but a directory that is not dirty costs nothing to sync.
        if record.sequence <= 2 { try files.syncDirectory(Path.parent(of: slot)) }
        last = record
    }
}
