import Cryptography
import Fleet
import Foundation

/// A controller's data directory that is being restored.
///
/// As long as that is not finished the directory holds a file that says so: no controller starts on it, and another
/// restore begins anew.
public struct RestoredDirectory: Sendable {
    static let mark = "restore.unfinished"

    /// Where it is.
    public let path: String

    /// Takes a directory that is not there or empty, or that an earlier restore did not finish; changes nothing.
    ///
    /// - Throws: ``BackupError/occupied(path:by:)``.
    public init(path: String) throws {
        self.path = path
        guard !Self.isUnfinished(path), let found = try DurableDisk.names(path).first else { return }
        throw BackupError.occupied(path: path, by: found)
    }

    /// Whether a restore into a directory was not finished.
    public static func isUnfinished(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + mark)
    }

    /// Begins: the directory is there, empty but for the mark.
    ///
    /// - Throws: ``BackupError``.
    public func begin() throws {
        try DurableDisk.makeDirectory(path)
        for name in try DurableDisk.names(path) where name != Self.mark { try DurableDisk.remove(path + "/" + name) }
        if !Self.isUnfinished(path) { _ = try DurableDisk.write(path + "/" + Self.mark) { _ in } }
        try DurableDisk.sync(path)
    }

    /// Copies the backup's files below a folder, and its artifacts, to where a controller has them.
    ///
    /// - Parameters:
    ///   - folder: the folder of the backup whose files are put into the directory.
    ///   - artifacts: the directory of artifacts.
    ///   - progress: called with the bytes of artifacts that were copied, and all there are.
    /// - Throws: ``BackupError``; also for a file that changed since the backup was verified.
    public func fill(
        from backup: Backup, folder: String, artifacts: String,
        progress: (_ doneBytes: UInt64, _ totalBytes: UInt64) -> Void
    ) throws {
        for file in backup.manifest.files where file.path.hasPrefix(folder + "/") {
            let target = path + file.path.dropFirst(folder.count)
            // A certificate is for everyone to read, a key for its owner.
            try copy(
                backup.path + "/" + file.path, file.sha256, to: target, mode: target.hasSuffix(".pem") ? 0o644 : 0o600)
        }
        let total = backup.manifest.artifactBytes
        var done: UInt64 = 0
        for artifact in backup.manifest.artifacts ?? [] {
            let name = artifact.sha256.hex
            try copy(
                backup.artifact(artifact.sha256), artifact.sha256, to: "\(artifacts)/sha256/\(name.prefix(2))/\(name)",
                mode: 0o444
            ) { moved in
                done += moved
                progress(done, total)
            }
        }
    }

    private func copy(
        _ source: String, _ digest: Digest, to target: String, mode: UInt32, moved: (UInt64) -> Void = { _ in }
    ) throws {
        let folder = (target as NSString).deletingLastPathComponent
        try DurableDisk.makeDirectory(folder)
        guard try DurableDisk.copy(source, to: target, mode: mode, moved: moved).digest == digest else {
            throw BackupError.damaged(file: source, reason: "it was changed while it was restored")
        }
        try DurableDisk.sync(folder)
    }

    /// Ends: a controller may start on it.
    ///
    /// - Throws: ``BackupError``.
    public func finish() throws {
        try DurableDisk.sync(path)
        try DurableDisk.remove(path + "/" + Self.mark)
        try DurableDisk.sync(path)
    }
}
