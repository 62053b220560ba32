public import Fleet

/// What the controller last said about the device's standing, kept for `edge-agent status`.
public struct StandingNote: Codable, Hashable, Sendable {
    /// Such as `quarantined`; of a refusal the problem's code.
    public var kind: String
    /// Why.
    public var reason: String
    /// When the device was first told.
    public var toldAt: Timestamp

    /// Makes a note.
    public init(kind: String, reason: String, toldAt: Timestamp) {
        self.kind = kind
        self.reason = reason
        self.toldAt = toldAt
    }
}

/// The note on disk: written when it changes, removed in good standing.
public struct StandingStore: Sendable {
    private let files: any DurableFiles

    /// Uses the agent's state directory.
    public init(files: any DurableFiles) {
        self.files = files
    }

    /// The note; nil in good standing.
    public func load() throws -> StandingNote? {
        guard let bytes = try files.read(StateLayout.standing) else { return nil }
        return try JSONCoding.decode(StandingNote.self, from: bytes)
    }

    /// Keeps what was told, where it is new.
    ///
    /// - Throws: ``StorageFault``, or a decoding error when the note is damaged.
    public func told(kind: String, reason: String, at now: Timestamp) throws {
        if let known = try load(), known.kind == kind, known.reason == reason { return }
        try files.makeDirectories("identity")
        try files.replace(
            StateLayout.standing, with: JSONCoding.encode(StandingNote(kind: kind, reason: reason, toldAt: now)))
    }

    /// The device is in good standing.
    public func clear() throws {
        if try files.read(StateLayout.standing) != nil { try files.remove(StateLayout.standing) }
    }
}
