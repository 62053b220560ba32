public import DeviceUpdates
public import Fleet
internal import ModelTrust

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
    /// When the controller answered last, to tens of minutes; nil for never.
    public var lastContact: Timestamp?
    /// Versions with a smaller release counter were withdrawn.
    public var releaseFloor: UInt64
    /// Whether a person has asked for the return to the last known good, and it is not done.
    public var isReturnWaiting: Bool
    /// Versions by name, as far as they are here and say it.
    public var names: [Digest: String]
    /// The size of the version that serves, bytes.
    public var currentBytes: UInt64

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
        let floors = try FloorStore(files: files).floors
        lastContact = floors.lastContact > 0 ? Timestamp(milliseconds: floors.lastContact) : nil
        releaseFloor = floors.release
        isReturnWaiting = try ReturnRequest.waits(in: files)
        names = [:]
        for digest in sealed {
            let manifest = try files.read("\(layout.version(digest))/\(ArtifactPath.manifest)")
            names[digest] = manifest.flatMap { try? EdgeVersionManifest(parsing: $0) }?.version.rawValue
        }
        currentBytes = 0
        if let current = local.current {
            for path in try files.files(below: layout.version(current)) {
                currentBytes += try files.facts("\(layout.version(current))/\(path)")?.sizeBytes ?? 0
            }
        }
    }

    /// Whether a version is sealed and has the bytes that its publisher signed.
    ///
    /// - Throws: ``StorageFault``.
    public func isWhole(
        _ digest: Digest, files: any DurableFiles, verifier: any VersionVerifying
    ) throws(StorageFault) -> Bool {
        try VersionStore(files: files, layout: StateLayout(model: model), verifier: verifier).isWhole(digest)
    }

    /// The model slots that a state directory has.
    public static func models(files: any DurableFiles) throws(StorageFault) -> [ModelName] {
        try files.list("models").compactMap { ModelName(rawValue: $0.name) }
    }
}
