import Cryptography
import DeviceAgent
import Fleet
import Synchronization

/// A disk in memory that knows what a power cut would leave of it.
///
/// Files keep the bytes that were synced beside those that were only written; directories keep every change of names
/// since their last sync. ``afterPowerCut(keep:)`` makes the disks that a cut may leave: of each directory's changes a
/// prefix survives, of each file's unsynced bytes none, some or all. A rename within a directory is one change.
final class MemoryDisk: DurableFiles {
    /// The power was cut.
    struct PowerCut: Error {}

    struct File: Hashable {
        var bytes: [UInt8] = []
        var synced: [UInt8] = []
        /// What was written since the last sync, oldest first.
        var writes: [Write] = []
        var isReadOnly = false
    }

    /// Bytes that were written at an offset; the file was cut off behind them unless its rest was to stay.
    struct Write: Hashable {
        var offset: Int
        var bytes: [UInt8]
        /// What lies behind them stays.
        var keepsRest = false
    }

    /// One operation of a trace, and what was there after it.
    struct Moment {
        var operation: String
        var path: String
        var state: State
        /// The reports that the world had received by then.
        var received: [UInt64]
    }

    struct Directory: Hashable {
        var entries: [String: Int] = [:]
        var synced: [String: Int] = [:]
        /// Changes since the last sync, oldest first; each is one unit: names and what they stand for, 0 for nothing.
        var changes: [[String: Int]] = []
    }

    struct State: Hashable {
        var files: [Int: File] = [:]
        var links: [Int: String] = [:]
        var directories: [Int: Directory] = [0: Directory()]
        var nextInode = 1
        /// Operations left until the power cut.
        var budget = Int.max
        var operations = 0
        var freeBytes: UInt64 = 1 << 40
        /// Writes below this path find no room.
        var fullPath: String?
        /// So often; then there is room again.
        var fullTimes = Int.max
        /// Syncs of this name do nothing: a disk, or an agent, that forgets them.
        var ignoredSync: SyncSite?
        /// The operation with this number fails; true where it is for lack of room.
        var refusal: [Int: Bool] = [:]
        /// The operation before this one.
        var previous = ""

        func kind(of inode: Int) -> DirectoryEntry.Kind {
            if directories[inode] != nil { return .directory }
            return files[inode] != nil ? .file : .other
        }
    }

    let state: Mutex<State>
    /// Every operation since recording began; nil where nothing is recorded.
    let trace = Mutex<[Moment]?>(nil)
    /// Called after every operation.
    let watch = Mutex<(@Sendable (Moment) -> Void)?>(nil)
    /// What the world has received, for the trace.
    let received = Mutex<(@Sendable () -> [UInt64])?>(nil)

    init(_ state: sending State = State()) {
        self.state = Mutex(state)
    }

    var operations: Int { state.withLock { $0.operations } }

    var isCut: Bool { state.withLock { $0.budget <= 0 } }

    /// The operation with this number fails, for lack of room or because the disk is broken.
    func refuse(operation: Int, isFull: Bool) { state.withLock { $0.refusal[operation] = isFull } }

    func setBudget(_ budget: Int) { state.withLock { $0.budget = budget } }

    /// Writes below this path find no room from now on; nil gives room again.
    func setFull(below path: String?, times: Int = .max) {
        state.withLock { state in
            state.fullPath = path
            state.fullTimes = times
        }
    }

    func setFreeBytes(_ bytes: UInt64) { state.withLock { $0.freeBytes = bytes } }

    /// A file's bytes go bad, whatever its permissions.
    func damage(_ path: String) {
        state.withLock { state in
            guard let inode = state.find(path) else { return }
            state.files[inode]?.bytes = [0]
            state.files[inode]?.synced = [0]
        }
    }

    /// A disk as a power cut leaves it; `keep` chooses how much of `count` unsynced changes or bytes survives.
    func afterPowerCut(keep: (_ count: Int) -> Int) -> MemoryDisk {
        let cut = state.withLock { state in
            var cut = state
            for inode in cut.directories.keys.sorted() {
                guard var directory = cut.directories[inode] else { continue }
                directory.entries = directory.synced
                for change in directory.changes.prefix(keep(directory.changes.count)) {
                    for (name, target) in change { directory.entries[name] = target == 0 ? nil : target }
                }
                directory.synced = directory.entries
                directory.changes = []
                cut.directories[inode] = directory
            }
            for inode in cut.files.keys.sorted() {
                guard var file = cut.files[inode], file.bytes != file.synced else { continue }
                let kept = keep(file.bytes.count)
                file.bytes = Array(file.bytes.prefix(kept)) + file.synced.dropFirst(kept)
                file.synced = file.bytes
                file.writes = []
                cut.files[inode] = file
            }
            cut.budget = .max
            cut.operations = 0
            return cut
        }
        return MemoryDisk(cut)
    }

    // MARK: DurableFiles

    func absolute(_ path: String) -> String { "/" + path }

    func read(_ path: String) throws(StorageFault) -> [UInt8]? {
        try look(path) { state, inode in state.files[inode]?.bytes } ?? nil
    }

    func write(_ path: String, _ bytes: [UInt8], isSecret: Bool) throws(StorageFault) {
        try write(path, bytes, at: 0)
    }

    func write(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        try apply(Write(offset: Int(offset), bytes: bytes), to: path)
    }

    func patch(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        try apply(Write(offset: Int(offset), bytes: bytes, keepsRest: true), to: path)
    }

    private func apply(_ write: Write, to path: String) throws(StorageFault) {
        try change(path) { state, inode in
            guard var file = state.files[inode] else { return }
            file.bytes = write.applied(to: file.bytes)
            file.writes.append(write)
            state.files[inode] = file
        }
    }

    func sync(_ path: String) throws(StorageFault) {
        try operate("sync", path) { state in
            guard let inode = state.find(path), var file = state.files[inode] else { return false }
            if state.ignoredSync?.isMeant("sync", path, after: state.previous) ?? false { return true }
            file.synced = file.bytes
            file.writes = []
            state.files[inode] = file
            return true
        }
    }

    func syncDirectory(_ path: String) throws(StorageFault) {
        try operate("sync the directory", path) { state in
            guard let inode = state.find(path), let entries = state.directories[inode]?.entries else { return false }
            if state.ignoredSync?.isMeant("sync the directory", path, after: state.previous) ?? false { return true }
            state.directories[inode]?.synced = entries
            state.directories[inode]?.changes = []
            return true
        }
    }

    func rename(_ from: String, to target: String) throws(StorageFault) {
        try operate("rename", from) { state in
            guard let inode = state.find(from) else { return false }
            let (oldParent, oldName) = split(from)
            let (newParent, newName) = split(target)
            if oldParent == newParent {
                return state.record(oldParent, [oldName: 0, newName: inode])
            }
            return state.record(newParent, [newName: inode]) && state.record(oldParent, [oldName: 0])
        }
    }

    func link(_ from: String, to target: String) throws(StorageFault) {
        try operate("link", from) { state in
            guard let inode = state.find(from) else { return false }
            if state.find(target) != nil { return true }
            let (parent, name) = split(target)
            return state.record(parent, [name: inode])
        }
    }

    func makeSymbolicLink(_ path: String, to text: String) throws(StorageFault) {
        try operate("link", path) { state in
            guard state.find(path) == nil else { return false }
            let inode = state.takeInode()
            state.links[inode] = text
            let (parent, name) = split(path)
            return state.record(parent, [name: inode])
        }
    }

    func symbolicLink(_ path: String) throws(StorageFault) -> String? {
        try look(path) { state, inode in state.links[inode] } ?? nil
    }

    func makeDirectory(_ path: String) throws(StorageFault) {
        try operate("make the directory", path) { state in
            if state.find(path) != nil { return true }
            let inode = state.takeInode()
            state.directories[inode] = Directory()
            let (parent, name) = split(path)
            return state.record(parent, [name: inode])
        }
    }

    func remove(_ path: String) throws(StorageFault) {
        try operate("remove", path) { state in
            guard let inode = state.find(path) else { return true }
            guard state.directories[inode]?.entries.isEmpty ?? true else { return false }
            let (parent, name) = split(path)
            return state.record(parent, [name: 0])
        }
    }

    func list(_ path: String) throws(StorageFault) -> [DirectoryEntry] {
        try look(path) { state, inode in
            (state.directories[inode]?.entries ?? [:]).sorted { $0.key < $1.key }
                .map { DirectoryEntry(name: $0.key, kind: state.kind(of: $0.value)) }
        } ?? []
    }

    func facts(_ path: String) throws(StorageFault) -> FileFacts? {
        try look(path) { state, inode in
            guard let file = state.files[inode] else { return nil }
            let links = state.directories.values.reduce(0) { count, directory in
                count + directory.entries.values.count { $0 == inode }
            }
            return FileFacts(sizeBytes: UInt64(file.bytes.count), links: UInt64(links))
        } ?? nil
    }

    func digest(_ path: String) throws(StorageFault) -> Digest {
        guard let bytes = try read(path) else { throw StorageFault(operation: "hash", path: path, reason: "missing") }
        return SHA256().digest(of: bytes)
    }

    func digest(_ path: String, in range: Range<UInt64>) throws(StorageFault) -> Digest {
        guard let bytes = try read(path), bytes.count >= range.upperBound else {
            throw StorageFault(operation: "hash", path: path, reason: "missing")
        }
        return SHA256().digest(of: Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
    }

    func makeReadOnly(_ path: String) throws(StorageFault) {
        try operate("make read-only", path) { state in
            guard let inode = state.find(path), state.files[inode] != nil else { return false }
            state.files[inode]?.isReadOnly = true
            return true
        }
    }

    func reserve(_ path: String, sizeBytes: UInt64) throws(StorageFault) {
        try change(path) { _, _ in }
    }

    func freeBytes() throws(StorageFault) -> UInt64 { state.withLock { $0.freeBytes } }

    // MARK: Work

    private func look<Value>(_ path: String, _ body: (State, Int) -> Value?) throws(StorageFault) -> Value? {
        let now = state.withLock { $0 }
        guard now.budget > 0 else { throw StorageFault(operation: "read", path: path, reason: "the power was cut") }
        return now.find(path).flatMap { body(now, $0) }
    }

    private func change(_ path: String, _ body: (inout State, Int) -> Void) throws(StorageFault) {
        try operate("write", path) { state in
            if let inode = state.find(path) {
                // An ordinary user, as the agent is, may not open it for writing.
                guard state.files[inode]?.isReadOnly == false else { return false }
                body(&state, inode)
                return true
            }
            let inode = state.takeInode()
            state.files[inode] = File()
            let (parent, name) = split(path)
            guard state.record(parent, [name: inode]) else { return false }
            body(&state, inode)
            return true
        }
    }

    private func operate(_ operation: String, _ path: String, _ body: (inout State) -> Bool) throws(StorageFault) {
        let (fault, isFull, after) = state.withLock { state -> (String?, Bool, State) in
            guard state.budget > 0 else { return ("the power was cut", false, state) }
            if operation == "write", let full = state.fullPath, path.hasPrefix(full), state.fullTimes > 0 {
                state.fullTimes -= 1
                return ("no space left", true, state)
            }
            state.budget -= 1
            state.operations += 1
            if let isFull = state.refusal[state.operations] { return ("input/output error", isFull, state) }
            let isDone = body(&state)
            state.previous = operation
            return (isDone ? nil : "no such file or directory, or one is in the way", false, state)
        }
        if trace.withLock({ $0 != nil }) || watch.withLock({ $0 != nil }) {
            let received = received.withLock { $0 }?() ?? []
            let moment = Moment(operation: operation, path: path, state: after, received: received)
            trace.withLock { $0?.append(moment) }
            watch.withLock { $0 }?(moment)
        }
        if let fault { throw StorageFault(operation: operation, path: path, reason: fault, isFull: isFull) }
    }
}

extension MemoryDisk.State {
    func find(_ path: String) -> Int? {
        var inode = 0
        // By bytes: the same for every name that the agent makes, and much faster than by characters.
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            guard let next = directories[inode]?.entries[String(Substring(part))] else { return nil }
            inode = next
        }
        return inode
    }

    mutating func takeInode() -> Int {
        defer { nextInode += 1 }
        return nextInode
    }

    /// Changes names of a directory, as one unit.
    mutating func record(_ path: String, _ change: [String: Int]) -> Bool {
        guard let inode = find(path), directories[inode] != nil else { return false }
        for (name, target) in change { directories[inode]?.entries[name] = target == 0 ? nil : target }
        directories[inode]?.changes.append(change)
        return true
    }
}

private func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
    return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
}
