public import Fleet

/// A person at the device wants it back on its last known good: left in the state directory by `edge-agent rollback`,
/// taken up by the update loop, or by the next start of the agent.
public struct ReturnRequest: Codable, Hashable, Sendable {
    /// Why, in the person's words.
    public let reason: String
    /// When it was made.
    public let at: Timestamp

    /// Makes a request.
    public init(reason: String, at: Timestamp) {
        self.reason = reason
        self.at = at
    }

    /// Whether a request waits.
    public static func waits(in files: any DurableFiles) throws(StorageFault) -> Bool {
        try files.facts(StateLayout.returnRequest) != nil
    }

    /// Leaves the request, durably.
    ///
    /// - Throws: ``StorageFault``, or what encoding throws.
    public func place(in files: any DurableFiles) throws {
        try files.replace(StateLayout.returnRequest, with: JSONCoding.encode(self))
    }

    /// The request that waits; one that cannot be read is a request all the same.
    static func waiting(in files: any DurableFiles) throws(StorageFault) -> ReturnRequest? {
        guard let bytes = try files.read(StateLayout.returnRequest) else { return nil }
        return (try? JSONCoding.decode(Self.self, from: bytes))
            ?? ReturnRequest(reason: "", at: Timestamp(milliseconds: 0))
    }

    /// Forgets the request, durably.
    static func clear(in files: any DurableFiles) throws(StorageFault) {
        guard try waits(in: files) else { return }
        try files.remove(StateLayout.returnRequest)
        try files.syncDirectory("")
    }
}
