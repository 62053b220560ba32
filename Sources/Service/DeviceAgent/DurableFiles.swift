public import Fleet

/// The one way in which the agent touches its disk: each primitive is one thing that a power cut can undo or tear.
///
/// Paths are relative to the agent's state directory, with `/`. What is written is lost in a power cut until
/// ``sync(_:)`` returned; what is created, renamed, linked or removed, until ``syncDirectory(_:)`` of its directory
/// returned.
public protocol DurableFiles: Sendable {
    /// The absolute path, for the runtime's command line.
    func absolute(_ path: String) -> String
    /// Reads a whole file; nil when it is not there.
    func read(_ path: String) throws(StorageFault) -> [UInt8]?
    /// Creates or replaces a file's bytes in place.
    func write(_ path: String, _ bytes: [UInt8], isSecret: Bool) throws(StorageFault)
    /// Writes bytes at an offset; the file is created when it is not there, and cut off behind them.
    func write(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault)
    /// Writes bytes at an offset and leaves what lies behind them; the file is created when it is not there.
    func patch(_ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageFault)
    /// Makes a file's bytes durable.
    func sync(_ path: String) throws(StorageFault)
    /// Makes a directory's entries durable.
    func syncDirectory(_ path: String) throws(StorageFault)
    /// Renames; an existing target is replaced in the same instant.
    func rename(_ from: String, to target: String) throws(StorageFault)
    /// Adds a name to a file; an existing name is left as it is.
    func link(_ from: String, to target: String) throws(StorageFault)
    /// Makes a symbolic link with the given text.
    func makeSymbolicLink(_ path: String, to text: String) throws(StorageFault)
    /// The text of a symbolic link; nil when there is none.
    func symbolicLink(_ path: String) throws(StorageFault) -> String?
    /// Makes a directory; one that is there is fine.
    func makeDirectory(_ path: String) throws(StorageFault)
    /// Removes a file, a symbolic link or an empty directory; one that is not there is fine.
    func remove(_ path: String) throws(StorageFault)
    /// The names in a directory, sorted, and what they stand for; empty when it is not there.
    func list(_ path: String) throws(StorageFault) -> [DirectoryEntry]
    /// A file's size in bytes and number of names; nil when it is not there.
    func facts(_ path: String) throws(StorageFault) -> FileFacts?
    /// SHA-256 of a file's bytes.
    func digest(_ path: String) throws(StorageFault) -> Digest
    /// SHA-256 of some of a file's bytes; they must be there.
    func digest(_ path: String, in bytes: Range<UInt64>) throws(StorageFault) -> Digest
    /// Takes away every write permission of a file.
    func makeReadOnly(_ path: String) throws(StorageFault)
    /// Reserves room for a file of that size.
    func reserve(_ path: String, sizeBytes: UInt64) throws(StorageFault)
    /// What is free for the agent, in bytes.
    func freeBytes() throws(StorageFault) -> UInt64
}

/// One name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
    /// What a name stands for.
    public enum Kind: Hashable, Sendable {
        /// A file with bytes.
        case file
        /// A directory, not a symbolic link to one.
        case directory
        /// A symbolic link, a pipe, a socket or a device.
        case other
    }

    /// The name.
    public let name: String
    /// What it stands for.
    public let kind: Kind

    /// Whether it is a directory (not a symbolic link to one).
    public var isDirectory: Bool { kind == .directory }

    /// Makes an entry.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// What is known of a file without reading it.
public struct FileFacts: Hashable, Sendable {
    /// Its size in bytes.
    public let sizeBytes: UInt64
    /// How many names it has.
    public let links: UInt64

    /// Makes facts.
    public init(sizeBytes: UInt64, links: UInt64) {
        self.sizeBytes = sizeBytes
        self.links = links
    }
}

/// Why the disk refused.
public struct StorageFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb phrase.
    public let operation: String
    /// On which path.
    public let path: String
    /// The system's reason.
    public let reason: String
    /// Whether there is no room.
    public let isFull: Bool

    /// Makes a fault.
    public init(operation: String, path: String, reason: String, isFull: Bool = false) {
        self.operation = operation
        self.path = path
        self.reason = reason
        self.isFull = isFull
    }

    /// A sentence for a person.
    public var description: String {
        "could not \(operation) \(path): \(reason)" + (isFull ? "; make room on the device" : "")
    }
}
