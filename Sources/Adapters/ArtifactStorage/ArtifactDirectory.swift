import Cryptography
public import Fleet
import Foundation
import Glibc
public import Orchestration
public import Rollouts
public import WireFormat

/// Artifacts in a directory, each a file named by its digest.
///
/// An upload is a file of its own until its digest is verified.
///
/// A finished artifact is read-only, synced and renamed into place, so a crash leaves it whole or absent.
public final class ArtifactDirectory: ArtifactStore {
    private let root: String
    // Held while one upload is appended to; uploads of a controller are few and mostly wait for the network.
    private let lock = NSLock()

    /// Opens or makes the directory.
    ///
    /// - Throws: ``ArtifactStoreError/disk(operation:reason:full:)``.
    public init(path: String) throws {
        root = path
        for directory in [path, path + "/uploads", path + "/sha256"] {
            try Self.disk("make \(directory)") {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            }
        }
    }

    /// See `ArtifactStore`.
    public func file(_ digest: Digest) throws -> ArtifactFile? {
        let path = finished(digest)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let size = attributes[.size] as? NSNumber
        else { return nil }
        return ArtifactFile(path: path, sizeBytes: size.uint64Value)
    }

    /// See `ArtifactStore`.
    public func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws -> UploadStatus {
        try lock.withLock {
            if let file = try file(digest) {
                guard file.sizeBytes == sizeBytes else {
                    throw ArtifactStoreError.sizeMismatch(announced: file.sizeBytes, got: sizeBytes)
                }
                return UploadStatus(offsetBytes: sizeBytes, complete: true)
            }
            if let announced = try announcedSize(digest) {
                guard announced == sizeBytes else {
                    throw ArtifactStoreError.sizeMismatch(announced: announced, got: sizeBytes)
                }
            } else {
                try Self.disk("start an upload") {
                    try Data().write(to: URL(fileURLWithPath: part(digest)))
                    try Data("\(sizeBytes)".utf8).write(
                        to: URL(fileURLWithPath: announcement(digest)), options: .atomic)
                }
            }
            // An empty file is complete as soon as it is announced.
            return sizeBytes == 0 ? try finish(digest, size: 0) : try status(digest, announced: sizeBytes)
        }
    }

    /// See `ArtifactStore`.
    public func uploadStatus(_ digest: Digest) throws -> UploadStatus? {
        if let file = try file(digest) { return UploadStatus(offsetBytes: file.sizeBytes, complete: true) }
        guard let announced = try announcedSize(digest) else { return nil }
        return try status(digest, announced: announced)
    }

    /// See `ArtifactStore`.
    public func append(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        try lock.withLock {
            if let file = try file(digest) { return UploadStatus(offsetBytes: file.sizeBytes, complete: true) }
            guard let announced = try announcedSize(digest) else { throw ArtifactStoreError.uploadNotStarted(digest) }
            let before = try status(digest, announced: announced).offsetBytes
            guard before == offsetBytes else {
                throw ArtifactStoreError.offsetMismatch(expected: before, got: offsetBytes)
            }
            guard UInt64(bytes.count) <= announced - before else {
                throw ArtifactStoreError.tooLarge(announced: announced)
            }
            try Self.disk("append to an upload") {
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: part(digest)))
                defer { try? handle.close() }
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(bytes))
            }
            let now = before + UInt64(bytes.count)
            return now == announced
                ? try finish(digest, size: announced) : UploadStatus(offsetBytes: now, complete: false)
        }
    }

    // MARK: - Finishing

    private func finish(_ digest: Digest, size: UInt64) throws -> UploadStatus {
        let actual = try FileHashing.sha256(ofFile: part(digest)).digest
        guard actual == digest else {
            drop(digest)
            throw ArtifactStoreError.digestMismatch(expected: digest, got: actual)
        }
        let target = finished(digest)
        let directory = (target as NSString).deletingLastPathComponent
        try Self.disk("finish an upload") {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Self.sync(part(digest))
            try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: part(digest))
            guard unsafe rename(part(digest), target) == 0 else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
            try Self.sync(directory)
        }
        drop(digest)
        return UploadStatus(offsetBytes: size, complete: true)
    }

    private static func sync(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    // MARK: - Uploads

    private func status(_ digest: Digest, announced: UInt64) throws -> UploadStatus {
        let attributes = try Self.disk("look at an upload") {
            try FileManager.default.attributesOfItem(atPath: part(digest))
        }
        let size = (attributes[.size] as? NSNumber)?.uint64Value ?? 0
        return UploadStatus(offsetBytes: min(size, announced), complete: false)
    }

    /// The size an upload was announced with; nil where there is none, or only what a crash left of one.
    private func announcedSize(_ digest: Digest) throws -> UInt64? {
        guard FileManager.default.fileExists(atPath: part(digest)),
            let text = try? String(contentsOfFile: announcement(digest), encoding: .utf8)
        else { return nil }
        return UInt64(text)
    }

    private func drop(_ digest: Digest) {
        // Whatever of the two is gone already needs no dropping.
        for path in [part(digest), announcement(digest)] { unsafe unlink(path) }
    }

    // MARK: - Retention

    /// See `ArtifactStore`.
    public func files() throws -> [Retention.StoredFile] {
        let complete = try Self.disk("list artifacts") {
            try FileManager.default.contentsOfDirectory(atPath: root + "/sha256").flatMap { folder in
                try FileManager.default.contentsOfDirectory(atPath: "\(root)/sha256/\(folder)")
            }
        }
        let uploads = try Self.disk("list uploads") {
            try FileManager.default.contentsOfDirectory(atPath: root + "/uploads")
        }
        // A crash may have left one of an upload's two files.
        let started = Set(uploads.compactMap { $0.split(separator: ".").first.flatMap { Digest(hex: String($0)) } })
        return complete.compactMap { Digest(hex: $0) }.sorted().compactMap { stored($0, [finished($0)], true) }
            + started.sorted().compactMap { stored($0, [part($0), announcement($0)], false) }
    }

    /// What is stored of a file in some places; nil where nothing is.
    private func stored(_ digest: Digest, _ places: [String], _ isComplete: Bool) -> Retention.StoredFile? {
        let found = places.compactMap { try? FileManager.default.attributesOfItem(atPath: $0) }
        let changed = found.compactMap { $0[.modificationDate] as? Date }.max()
        guard let changed else { return nil }
        return Retention.StoredFile(
            digest: digest, sizeBytes: found.compactMap { ($0[.size] as? NSNumber)?.uint64Value }.first ?? 0,
            storedAt: Timestamp(milliseconds: Int64(changed.timeIntervalSince1970 * 1000)), isComplete: isComplete)
    }

    /// See `ArtifactStore`.
    public func remove(_ file: Retention.StoredFile) throws -> Bool {
        try lock.withLock {
            let places =
                file.isComplete ? [finished(file.digest)] : [part(file.digest), announcement(file.digest)]
            guard stored(file.digest, places, file.isComplete) == file else { return false }
            for place in places where FileManager.default.fileExists(atPath: place) {
                try Self.disk("remove \(place)") { try FileManager.default.removeItem(atPath: place) }
            }
            return true
        }
    }

    private func finished(_ digest: Digest) -> String { "\(root)/sha256/\(digest.hex.prefix(2))/\(digest.hex)" }
    private func part(_ digest: Digest) -> String { "\(root)/uploads/\(digest.hex).part" }
    private func announcement(_ digest: Digest) -> String { "\(root)/uploads/\(digest.hex).size" }

    private static func disk<Result>(_ operation: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as CocoaError {
            let isFull = error.code == .fileWriteOutOfSpace
            throw ArtifactStoreError.disk(operation: operation, reason: error.localizedDescription, full: isFull)
        } catch let error as POSIXError {
            throw ArtifactStoreError.disk(
                operation: operation, reason: error.localizedDescription, full: error.code == .ENOSPC)
        }
    }
}
