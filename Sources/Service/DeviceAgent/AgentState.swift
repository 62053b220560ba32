public import DeviceUpdates
public import Fleet

/// What the state directory says of a device, read without the agent: for `edge-agent status`.
public struct AgentState: Hashable, Sendable {
    /// The model slot.
    public var model: ModelName
    /// What serves, what is returned to, what is sealed.
    public var local: LocalVersions
    /// Where the update is.
    public var journal: JournalRecord
    /// Reports that wait.
    public var waitingReports: Int
    /// Versions that failed here.
    public var quarantined: [String]

    /// Reads the state of a model slot.
    ///
    /// - Throws: ``StorageFault``.
    public init(files: any DurableFiles, model: ModelName) throws(StorageFault) {
        self.model = model
        let layout = StateLayout(model: model)
        var sealed: Set<Digest> = []
        for entry in try files.list(layout.versions) {
            if let digest = Digest(hex: entry.name), try files.facts(layout.seal(digest)) != nil {
                sealed.insert(digest)
            }
        }
        local = LocalVersions(
            current: try files.symbolicLink(layout.current).flatMap { Digest(hex: Path.name(of: $0)) },
            lastKnownGood: try files.symbolicLink(layout.lastKnownGood).flatMap { Digest(hex: Path.name(of: $0)) },
            sealed: sealed)
        journal = try JournalStore(files: files).last
        waitingReports = try files.list(StateLayout.outbox).filter { $0.name.hasSuffix(".ndjson") }.count
        quarantined = try files.list(StateLayout.quarantine).map { String($0.name.dropLast(5)) }
    }

    /// The model slots that a state directory has.
    public static func models(files: any DurableFiles) throws(StorageFault) -> [ModelName] {
        try files.list("models").compactMap { ModelName(rawValue: $0.name) }
    }
}
