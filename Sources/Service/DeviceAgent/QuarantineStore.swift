import DeviceUpdates
import Fleet

/// The versions that failed on this device: each is tried again only when it is ordered on purpose.
struct QuarantineStore {
    let files: any DurableFiles

    private struct Entry: Codable {
        var assignment: UInt64
        var reason: String
    }

    /// Shuts a version out, durably.
    func add(_ digest: Digest, assignment: UInt64, reason: FailureReason) throws {
        let entry = Entry(assignment: assignment, reason: reason.rawValue)
        try files.replace(StateLayout.quarantine(digest), with: JSONCoding.encode(entry))
    }

    /// Whether the version failed under this assignment or a later one, and has not succeeded since.
    func holds(_ digest: Digest, assignment: UInt64) throws -> Bool {
        guard let bytes = try files.read(StateLayout.quarantine(digest)) else { return false }
        // An entry that cannot be read still shuts out: what it said is gone, that it was written is not.
        guard let entry = try? JSONCoding.decode(Entry.self, from: bytes) else { return true }
        return entry.assignment >= assignment
    }

    /// Whether the version failed here and has not succeeded since, whatever orders it.
    func holds(_ digest: Digest) throws -> Bool { try holds(digest, assignment: 0) }

    /// Lets a version in again, because it has proven itself.
    func lift(_ digest: Digest) throws {
        try files.remove(StateLayout.quarantine(digest))
        try files.syncDirectory(StateLayout.quarantine)
    }
}
