import Cryptography
import Fleet
import Foundation

/// A backup as it lies on the disk, to be restored.
public struct Backup: Sendable {
    /// Where it is.
    public let path: String
    /// What it holds.
    public let manifest: BackupManifest
    private let directory: BackupDirectory

    /// Its name: when it was taken.
    public var name: String { (path as NSString).lastPathComponent }

    /// Finds the backup at a path, or the newest one of a directory of backups, and reads its manifest.
    ///
    /// - Throws: ``BackupError``.
    public init(at given: String) throws {
        let path = given.count > 1 && given.hasSuffix("/") ? String(given.dropLast()) : given
        let isOne = [BackupDirectory.manifest, BackupDirectory.manifestDigest].contains {
            FileManager.default.fileExists(atPath: path + "/" + $0)
        }
        let newest = isOne ? nil : try BackupDirectory(path: path).backups().last
        guard isOne || newest != nil, !(path as NSString).lastPathComponent.hasSuffix(BackupDirectory.unfinished) else {
            throw BackupError.nothing(path: path)
        }
        self.path = newest.map { path + "/" + $0 } ?? path
        directory = BackupDirectory(path: (self.path as NSString).deletingLastPathComponent)
        manifest = try Self.manifest(of: self.path)
    }

    private static func manifest(of path: String) throws -> BackupManifest {
        let file = path + "/" + BackupDirectory.manifest
        let digestFile = path + "/" + BackupDirectory.manifestDigest
        func text(_ path: String) throws -> [UInt8] {
            guard FileManager.default.fileExists(atPath: path) else { throw BackupError.missing(file: path) }
            return try DurableDisk.named("read", path) { try FileHashing.contents(ofFile: path, limitBytes: 1 << 28) }
        }
        let bytes = try text(file)
        let expected = "\(SHA256().digest(of: bytes).hex)  \(BackupDirectory.manifest)\n"
        guard try text(digestFile) == Array(expected.utf8) else {
            throw BackupError.damaged(file: file, reason: "its digest is not the one in \(digestFile)")
        }
        struct Form: Decodable { let format: Int }
        do {
            let form = try JSONDecoder().decode(Form.self, from: Data(bytes)).format
            guard form <= BackupManifest.knownFormat else {
                throw BackupError.newerFormat(found: form, known: BackupManifest.knownFormat)
            }
            return try JSONDecoder().decode(BackupManifest.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw BackupError.damaged(file: file, reason: "\(error)")
        }
    }

    /// Makes sure that every file and artifact is there and is what was written, and that nothing else is.
    ///
    /// - Parameter progress: called with the bytes that were looked at, and all there are.
    /// - Throws: ``BackupError`` that names the first file that is not.
    public func verify(progress: (_ doneBytes: UInt64, _ totalBytes: UInt64) -> Void) throws {
        let own = [BackupDirectory.manifest, BackupDirectory.manifestDigest]
        let named = Set(manifest.files.map(\.path) + own)
        for found in try DurableDisk.files(below: path) where !named.contains(found) {
            throw BackupError.surplus(file: path + "/" + found)
        }
        let total = manifest.sizeBytes + manifest.artifactBytes
        var done: UInt64 = 0
        func check(_ file: String, _ sizeBytes: UInt64, _ digest: Digest) throws {
            guard FileManager.default.fileExists(atPath: file) else { throw BackupError.missing(file: file) }
            let size = try DurableDisk.named("read", file) { try FileHashing.size(ofFile: file) }
            guard size == sizeBytes else {
                throw BackupError.damaged(file: file, reason: "it has \(size) bytes, not \(sizeBytes)")
            }
            guard try DurableDisk.hash(file).digest == digest else {
                throw BackupError.damaged(file: file, reason: "its content was changed")
            }
            done += sizeBytes
            progress(done, total)
        }
        for file in manifest.files { try check(path + "/" + file.path, file.sizeBytes, file.sha256) }
        for artifact in manifest.artifacts ?? [] {
            try check(directory.artifact(artifact.sha256), artifact.sizeBytes, artifact.sha256)
        }
    }

    /// Calls the argument with each line of a file, without its end.
    ///
    /// - Throws: ``BackupError``; what `take` throws.
    public func lines(of file: String, _ take: ([UInt8]) throws -> Void) throws {
        let path = path + "/" + file
        let handle = try DurableDisk.named("read", path) {
            try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        }
        defer { try? handle.close() }
        var rest: [UInt8] = []
        while let piece = try DurableDisk.named("read", path, { try handle.read(upToCount: DurableDisk.pieceBytes) }),
            !piece.isEmpty
        {
            var lines = piece.split(separator: 0x0A, omittingEmptySubsequences: false)
            let last = lines.removeLast()
            for line in lines {
                try take(rest + line)
                rest = []
            }
            rest += last
        }
        guard rest.isEmpty else { throw BackupError.damaged(file: path, reason: "its last line does not end") }
    }

    func artifact(_ digest: Digest) -> String { directory.artifact(digest) }
}
