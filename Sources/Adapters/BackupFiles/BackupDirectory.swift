import Cryptography
import Fleet
import Foundation
import Glibc

/// A directory of backups, each in a directory of its own that is named by its time; they share their artifacts.
///
/// ```
/// 2026-03-01T120000.250Z/manifest.json      what the backup holds, and the digest of each of its files
///                        manifest.sha256    the digest of that
///                        tables/*.jsonl     the database: a row a line
///                        keys/…             what the controller signs with
/// artifacts/sha256/ab/abcd…                 the versions' bytes, each once
/// ```
///
/// A backup gets its name when it is whole and on the disk; one that was cut has a name with a dot, is never restored,
/// and is removed by the next one.
public struct BackupDirectory: Sendable {
    static let artifacts = "artifacts/sha256"
    static let manifest = "manifest.json"
    static let manifestDigest = "manifest.sha256"
    static let unfinished = ".unfinished"

    /// Where it is.
    public let path: String

    /// Names a directory, whether it is there or not.
    public init(path: String) {
        self.path = path
    }

    /// The name of a backup that is taken at a moment.
    static func name(of taken: Timestamp) -> String { "\(taken)".filter { $0 != ":" } }

    /// The backups in it, oldest first.
    ///
    /// - Throws: ``BackupError``.
    public func backups() throws -> [String] {
        try DurableDisk.names(path).filter { name in
            !name.hasPrefix(".") && FileManager.default.fileExists(atPath: "\(path)/\(name)/\(Self.manifest)")
        }
    }

    func artifact(_ digest: Digest) -> String { "\(path)/\(Self.artifacts)/\(digest.hex.prefix(2))/\(digest.hex)" }
}

/// Keeps two backups from being written into one directory at once; the system lets go of it when the process ends.
final class BackupLock: Sendable {
    private let descriptor: Int32

    init(_ directory: String) throws {
        descriptor = unsafe open(directory + "/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw BackupError.disk(
                operation: "write into", path: directory, reason: unsafe String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw BackupError.inUse(path: directory)
        }
    }

    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
