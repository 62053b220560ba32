internal import Cryptography
public import DeviceAgent
public import Fleet
internal import Glibc

/// The agent's state directory on a real disk.
///
/// No path leads out of it: paths are made by the agent from fixed names, digests and the checked paths of versions,
/// and files are opened without following symbolic links.
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

    /// Whether an agent runs on a state directory.
    public static func isInUse(_ root: String) -> Bool {
        let descriptor = unsafe open(root + "/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        let probe = DescriptorOwner(number: descriptor)
        return withExtendedLifetime(probe) { flock(descriptor, LOCK_EX | LOCK_NB) != 0 }
    }

    /// Who may read and write a path; nil where there is none.
    public static func permissions(of path: String) -> (mode: UInt32, isOwn: Bool)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return (status.st_mode & 0o777, status.st_uid == geteuid())
    }

    /// The absolute path, for the runtime's command line.
    public func absolute(_ path: String) -> String {
        path.isEmpty ? root : "\(root)/\(path)"
    }

    /// Reads a whole file; nil when it is not there.
    public func read(_ path: String) throws(StorageFault) -> [UInt8]? {
        try ReadOnlyState.read(absolute(path))
    }

    /// Creates or replaces a file's bytes in place.
    public func write(_ path: String, _ bytes: [UInt8], isSecret: Bool) throws(StorageFault) {
        let file = try create(path, mode: isSecret ? 0o600 : 0o644)
        try file.write(bytes, at: 0)
        try file.cut(at: UInt64(bytes.count))
    }

    /// Writes bytes at an offset; the file is created when it is not there, and cut off behind them.
    public func write(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        let file = try create(path, mode: 0o644)
        try file.write(bytes, at: offset)
        try file.cut(at: offset + UInt64(bytes.count))
    }

    /// Writes bytes at an offset and leaves what lies behind them; the file is created when it is not there.
    public func patch(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        try create(path, mode: 0o644).write(bytes, at: offset)
    }

    /// Makes a file's bytes durable.
    public func sync(_ path: String) throws(StorageFault) {
        try OpenFile(absolute(path), O_RDONLY).sync()
    }

    /// Makes a directory's entries durable.
    public func syncDirectory(_ path: String) throws(StorageFault) {
        try OpenFile(absolute(path), O_RDONLY | O_DIRECTORY).sync()
    }

    /// Renames; an existing target is replaced in the same instant.
    public func rename(_ from: String, to target: String) throws(StorageFault) {
        guard unsafe Glibc.rename(absolute(from), absolute(target)) == 0 else {
            throw StorageFault(systemError: errno, operation: "rename to \(target)", path: from)
        }
    }

    /// Adds a name to a file; an existing name is left as it is.
    public func link(_ from: String, to target: String) throws(StorageFault) {
        guard unsafe Glibc.link(absolute(from), absolute(target)) == 0 || errno == EEXIST else {
            throw StorageFault(systemError: errno, operation: "link to \(target)", path: from)
        }
    }

    /// Makes a symbolic link with the given text.
    public func makeSymbolicLink(_ path: String, to text: String) throws(StorageFault) {
        guard unsafe symlink(text, absolute(path)) == 0 else {
            throw StorageFault(systemError: errno, operation: "make the symbolic link", path: path)
        }
    }

    /// The text of a symbolic link; nil when there is none.
    public func symbolicLink(_ path: String) throws(StorageFault) -> String? {
        try ReadOnlyState.symbolicLink(absolute(path))
    }

    /// Makes a directory; one that is there is fine.
    public func makeDirectory(_ path: String) throws(StorageFault) {
        guard unsafe mkdir(absolute(path), 0o700) == 0 || errno == EEXIST else {
            throw StorageFault(systemError: errno, operation: "make the directory", path: path)
        }
    }

    /// Removes a file, a symbolic link or an empty directory; one that is not there is fine.
    public func remove(_ path: String) throws(StorageFault) {
        if unsafe unlink(absolute(path)) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw StorageFault(systemError: errno, operation: "remove", path: path)
        }
        guard unsafe rmdir(absolute(path)) == 0 || errno == ENOENT else {
            throw StorageFault(systemError: errno, operation: "remove the directory", path: path)
        }
    }

    /// The names in a directory, sorted, and which of them are directories; empty when it is not there.
    public func list(_ path: String) throws(StorageFault) -> [DirectoryEntry] {
        try ReadOnlyState.list(absolute(path))
    }

    /// A file's size in bytes and number of names; nil when it is not there.
    public func facts(_ path: String) throws(StorageFault) -> FileFacts? {
        try ReadOnlyState.facts(absolute(path))
    }

    /// SHA-256 of a file's bytes.
    public func digest(_ path: String) throws(StorageFault) -> Digest {
        do throws(FileAccessError) {
            return try FileHashing.sha256(ofFile: absolute(path)).digest
        } catch {
            throw StorageFault(operation: "hash", path: path, reason: "\(error)")
        }
    }

    /// SHA-256 of some of a file's bytes.
    public func digest(_ path: String, in bytes: Range<UInt64>) throws(StorageFault) -> Digest {
        do throws(FileAccessError) {
            return try FileHashing.sha256(ofFile: absolute(path), in: bytes)
        } catch {
            throw StorageFault(operation: "hash", path: path, reason: "\(error)")
        }
    }

    /// Takes away every write permission of a file.
    public func makeReadOnly(_ path: String) throws(StorageFault) {
        guard unsafe chmod(absolute(path), 0o444) == 0 else {
            throw StorageFault(systemError: errno, operation: "make read-only", path: path)
        }
    }

    /// Reserves room for a file of that size.
    public func reserve(_ path: String, sizeBytes: UInt64) throws(StorageFault) {
        guard sizeBytes > 0 else { return }
        let file = try create(path, mode: 0o644)
        try file.reserve(sizeBytes)
    }

    /// What is free for the agent, in bytes.
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
