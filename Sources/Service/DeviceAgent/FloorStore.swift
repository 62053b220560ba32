import Fleet

/// What must never go back: kept apart from the journal, so that a damaged journal does not open the door to replays.
struct Floors: Codable, Hashable {
    /// The largest assignment number that was carried out or refused.
    var assignment: UInt64 = 0
    /// The last answer of the controller, milliseconds since 1970.
    var lastContact: Int64 = 0
    /// No version with a smaller release counter is activated; signed by publishers in versions.
    var release: UInt64 = 0

    init() {}

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        assignment = try fields.decode(UInt64.self, forKey: .assignment)
        lastContact = try fields.decode(Int64.self, forKey: .lastContact)
        release = try fields.decodeIfPresent(UInt64.self, forKey: .release) ?? 0
    }
}

/// The floors on disk.
struct FloorStore {
    private let files: any DurableFiles
    private(set) var floors: Floors

    init(files: any DurableFiles) throws(StorageFault) {
        self.files = files
        let bytes = try files.read(StateLayout.floors)
        floors = bytes.flatMap { try? JSONCoding.decode(Floors.self, from: $0) } ?? Floors()
    }

    /// Raises the floors, durably; a smaller value changes nothing.
    mutating func raise(assignment: UInt64 = 0, lastContact: Timestamp? = nil, release: UInt64 = 0) throws {
        var raised = floors
        raised.assignment = max(raised.assignment, assignment)
        raised.lastContact = max(raised.lastContact, lastContact?.milliseconds ?? 0)
        raised.release = max(raised.release, release)
        guard raised != floors else { return }
        try files.replace(StateLayout.floors, with: JSONCoding.encode(raised))
        floors = raised
    }
}
