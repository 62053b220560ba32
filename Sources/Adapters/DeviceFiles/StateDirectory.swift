internal import Cryptography
public import DeviceAgent
public import Fleet
internal import Glibc

/// The agent's state directory on a real disk.
///
/// No path leads out of it: paths are made by the agent from fixed names, digests and the checked paths of versions, and
/// files are opened without following symbolic links.
public final class StateDirectory: DurableFiles {
    /// The largest file read whole, bytes.
    static let readLimitBytes = 64 << 20

    /// The directory's absolute path.
    public let root: String
    /// Nil where the directory is only looked at.
    private let lock: DescriptorOwner?

    /// Opens the directory, makes it where it is missing, and takes its lock.
    ///
    /// - Throws: ``StorageFault``; when another agent holds the lock, it says so.
    public init(root: String) throws(StorageFault) {
        self.root = root
        if unsafe mkdir(root, 0o700) != 0, errno != EEXIST {
            throw StorageFault(systemError: errno, operation: "make the state directory", path: root)
        }
        let descriptor = unsafe open(root + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StorageFault(systemError: errno, operation: "open the lock", path: root + "/lock")
        }
        lock = DescriptorOwner(number: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StorageFault(
                operation: "lock", path: root,
                reason: "another agent runs on this state directory; stop it, or give this one a directory of its own")
        }
    }

    /// Looks at a directory without its lock; nothing may be written then.
    public init(inspecting root: String) {
        self.root = root
        lock = nil
    }

    public func absolute(_ path: String) -> String {
        path.isEmpty ? root : "\(root)/\(path)"
    }

    public func read(_ path: String) throws(StorageFault) -> [UInt8]? {
        try ReadOnlyState.read(absolute(path))
    }

    public func write(_ path: String, _ bytes: [UInt8], isSecret: Bool) throws(StorageFault) {
        let file = try create(path, mode: isSecret ? 0o600 : 0o644)
        try file.write(bytes, at: 0)
        try file.cut(at: UInt64(bytes.count))
    }

    public func write(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        let file = try create(path, mode: 0o644)
        try file.write(bytes, at: offset)
        try file.cut(at: offset + UInt64(bytes.count))
    }

    public func sync(_ path: String) throws(StorageFault) {
        try OpenFile(absolute(path), O_RDONLY).sync()
    }

    public func syncDirectory(_ path: String) throws(StorageFault) {
        try OpenFile(absolute(path), O_RDONLY | O_DIRECTORY).sync()
    }

    public func rename(_ from: String, to target: String) throws(StorageFault) {
        guard unsafe Glibc.rename(absolute(from), absolute(target)) == 0 else {
            throw StorageFault(systemError: errno, operation: "rename to \(target)", path: from)
        }
    }

    public func link(_ from: String, to target: String) throws(StorageFault) {
        guard unsafe Glibc.link(absolute(from), absolute(target)) == 0 || errno == EEXIST else {
            throw StorageFault(systemError: errno, operation: "link to \(target)", path: from)
        }
    }

    public func makeSymbolicLink(_ path: String, to text: String) throws(StorageFault) {
        guard unsafe symlink(text, absolute(path)) == 0 else {
            throw StorageFault(systemError: errno, operation: "make the symbolic link", path: path)
        }
    }

    public func symbolicLink(_ path: String) throws(StorageFault) -> String? {
        try ReadOnlyState.symbolicLink(absolute(path))
    }

    public func makeDirectory(_ path: String) throws(StorageFault) {
        guard unsafe mkdir(absolute(path), 0o700) == 0 || errno == EEXIST else {
            throw StorageFault(systemError: errno, operation: "make the directory", path: path)
        }
    }

    public func remove(_ path: String) throws(StorageFault) {
        if unsafe unlink(absolute(path)) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw StorageFault(systemError: errno, operation: "remove", path: path)
        }
        guard unsafe rmdir(absolute(path)) == 0 || errno == ENOENT else {
            throw StorageFault(systemError: errno, operation: "remove the directory", path: path)
        }
    }

    public func list(_ path: String) throws(StorageFault) -> [DirectoryEntry] {
        try ReadOnlyState.list(absolute(path))
    }

    public func facts(_ path: String) throws(StorageFault) -> FileFacts? {
        try ReadOnlyState.facts(absolute(path))
    }

    public func digest(_ path: String) throws(StorageFault) -> Digest {
        do throws(FileAccessError) {
            return try FileHashing.sha256(ofFile: absolute(path)).digest
        } catch {
            throw StorageFault(operation: "hash", path: path, reason: "\(error)")
        }
    }

    public func makeReadOnly(_ path: String) throws(StorageFault) {
        guard unsafe chmod(absolute(path), 0o444) == 0 else {
            throw StorageFault(systemError: errno, operation: "make read-only", path: path)
        }
    }

    public func reserve(_ path: String, sizeBytes: UInt64) throws(StorageFault) {
        guard sizeBytes > 0 else { return }
        let file = try create(path, mode: 0o644)
        try file.reserve(sizeBytes)
    }

    public func freeBytes() throws(StorageFault) -> UInt64 {
        var facts = statvfs()
        guard unsafe statvfs(root, &facts) == 0 else {
            throw StorageFault(systemError: errno, operation: "ask for free space", path: root)
        }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }

    private func create(_ path: String, mode: mode_t) throws(StorageFault) -> OpenFile {
        try OpenFile(absolute(path), O_WRONLY | O_CREAT, mode: mode)
    }
}
