import Cryptography
public import Fleet
import Foundation

/// One backup in the making.
public final class BackupWriter {
    /// What became of the artifacts.
    public struct Artifacts: Hashable, Sendable {
        /// How many the backup has.
        public var count = 0
        /// How many of them were not there from an earlier backup.
        public var copied = 0
        /// The bytes of those.
        public var copiedBytes: UInt64 = 0
    }

    private let directory: BackupDirectory
    private let lock: BackupLock
    private let name: String
    private let path: String
    private var files: [BackupManifest.File] = []
    private var artifacts: [BackupManifest.Artifact]?

    /// Begins a backup in a directory, which is made where there is none; removes what earlier ones left that were cut.
    ///
    /// - Throws: ``BackupError``; ``BackupError/inUse(path:)`` while another one is written there.
    public init(_ directory: BackupDirectory, takenAt: Timestamp) throws {
        self.directory = directory
        try DurableDisk.makeDirectory(directory.path)
        lock = try BackupLock(directory.path)
        name = BackupDirectory.name(of: takenAt)
        guard try !DurableDisk.names(directory.path).contains(name) else {
            throw BackupError.occupied(path: directory.path, by: name)
        }
        for name in try DurableDisk.names(directory.path) where name.hasSuffix(BackupDirectory.unfinished) {
            try DurableDisk.remove(directory.path + "/" + name)
        }
        path = "\(directory.path)/.\(name)\(BackupDirectory.unfinished)"
        try DurableDisk.makeDirectory(path)
    }

    /// A file of the backup that is being written.
    public struct Piecewise {
        fileprivate let handle: FileHandle
        fileprivate let path: String

        /// Appends bytes.
        ///
        /// - Throws: ``BackupError``.
        public func put(_ bytes: [UInt8]) throws {
            try DurableDisk.named("write", path) { try handle.write(contentsOf: Data(bytes)) }
        }
    }

    /// Writes a file of the backup.
    ///
    /// - Throws: ``BackupError``; what the body throws.
    public func file(_ path: String, _ body: (Piecewise) throws -> Void) throws {
        let target = try place(path)
        let written = try DurableDisk.write(target) { try body(Piecewise(handle: $0, path: target)) }
        files.append(BackupManifest.File(path: path, sizeBytes: written.sizeBytes, sha256: written.digest))
    }

    /// Copies a file into the backup.
    ///
    /// - Throws: ``BackupError``.
    public func copy(_ source: String, as path: String) throws {
        let copied = try DurableDisk.copy(source, to: try place(path), mode: 0o600)
        files.append(BackupManifest.File(path: path, sizeBytes: copied.sizeBytes, sha256: copied.digest))
    }

    /// Adds the artifacts of a controller; those that an earlier backup brought are not copied again.
    ///
    /// - Parameters:
    ///   - source: the controller's directory of artifacts.
    ///   - progress: called with the bytes that were looked at, and all there are.
    /// - Throws: ``BackupError``; ``BackupError/artifactDamaged(path:)`` for one that is not what its name says.
    public func artifacts(
        from source: String, progress: (_ doneBytes: UInt64, _ totalBytes: UInt64) -> Void
    ) throws -> Artifacts {
        let root = source + "/sha256"
        let found = try DurableDisk.files(below: root).compactMap { path -> (String, Digest, UInt64)? in
            guard let digest = Digest(hex: (path as NSString).lastPathComponent) else { return nil }
            let size = try DurableDisk.named("read", path) { try FileHashing.size(ofFile: root + "/" + path) }
            return (root + "/" + path, digest, size)
        }
        var result = Artifacts(count: found.count)
        let total = found.reduce(0) { $0 + $1.2 }
        var done: UInt64 = 0
        for (path, digest, size) in found {
            let target = directory.artifact(digest)
            if (try? FileHashing.size(ofFile: target)) == size {
                done += size
                progress(done, total)
            } else {
                try copy(artifact: path, digest, to: target) {
                    done += $0; progress(done, total)
                }
                result.copied += 1
                result.copiedBytes += size
            }
        }
        artifacts = found.map { BackupManifest.Artifact(sha256: $0.1, sizeBytes: $0.2) }.sorted {
            $0.sha256 < $1.sha256
        }
        return result
    }

    private func copy(artifact source: String, _ digest: Digest, to target: String, moved: (UInt64) -> Void) throws {
        let folder = (target as NSString).deletingLastPathComponent
        try DurableDisk.makeDirectory(folder)
        // In the backup that is not whole yet, so that what a cut leaves goes with it.
        let part = path + "/.artifact"
        let copied = try DurableDisk.copy(source, to: part, mode: 0o400, moved: moved)
        guard copied.digest == digest else {
            try DurableDisk.remove(part)
            throw BackupError.artifactDamaged(path: source)
        }
        try DurableDisk.rename(part, to: target)
    }

    /// Ends the backup: it is whole and on the disk when this returns.
    ///
    /// - Parameter begun: the manifest with all but its files and artifacts.
    /// - Returns: where it is, and its manifest.
    /// - Throws: ``BackupError``.
    public func finish(_ begun: BackupManifest) throws -> (path: String, manifest: BackupManifest) {
        var manifest = begun
        manifest.files = files.sorted { $0.path < $1.path }
        manifest.artifacts = artifacts
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = try encoder.encode(manifest) + [0x0A]
        let written = try DurableDisk.write("\(path)/\(BackupDirectory.manifest)") { try $0.write(contentsOf: text) }
        _ = try DurableDisk.write("\(path)/\(BackupDirectory.manifestDigest)") {
            try $0.write(contentsOf: Data("\(written.digest.hex)  \(BackupDirectory.manifest)\n".utf8))
        }
        for folder in Set(files.map { ($0.path as NSString).deletingLastPathComponent }) {
            try DurableDisk.sync(path + "/" + folder)
        }
        try DurableDisk.sync(path)
        let final = directory.path + "/" + name
        try DurableDisk.rename(path, to: final)
        return (final, manifest)
    }

    /// Removes what was written of a backup that cannot be finished.
    public func abandon() {
        // What cannot be removed now is removed by the next backup.
        try? DurableDisk.remove(path)
    }

    private func place(_ file: String) throws -> String {
        try DurableDisk.makeDirectory((path + "/" + file as NSString).deletingLastPathComponent)
        return path + "/" + file
    }
}
