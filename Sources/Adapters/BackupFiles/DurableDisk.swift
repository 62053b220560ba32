import Cryptography
import Fleet
import Foundation
import Glibc

/// Files and directories whose content is on the disk before the next step is done.
enum DurableDisk {
    /// The bytes that are copied at once.
    static let pieceBytes = 1 << 20

    /// Makes a directory, and those above it, for its owner only.
    static func makeDirectory(_ path: String) throws {
        try named("make", path) {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    /// Makes a file for its owner only and lets the body write it; it is synced and returned with its digest.
    ///
    /// - Parameter mode: its mode in the end.
    static func write(
        _ path: String, mode: mode_t = 0o600, _ body: (FileHandle) throws -> Void
    ) throws -> HashedFile {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw BackupError.disk(operation: "make", path: path, reason: unsafe String(cString: strerror(errno)))
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try body(handle)
        try named("write", path) {
            guard fchmod(descriptor, mode) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            try handle.synchronize()
            try handle.close()
        }
        return try hash(path)
    }

    /// Copies a file; says how many bytes were copied as it goes.
    static func copy(
        _ source: String, to path: String, mode: mode_t, moved: (UInt64) -> Void = { _ in }
    ) throws -> HashedFile {
        let from = try named("read", source) { try FileHandle(forReadingFrom: URL(fileURLWithPath: source)) }
        defer { try? from.close() }
        return try write(path, mode: mode) { handle in
            while let piece = try named("read", source, { try from.read(upToCount: pieceBytes) }), !piece.isEmpty {
                try named("write", path) { try handle.write(contentsOf: piece) }
                moved(UInt64(piece.count))
            }
        }
    }

    static func hash(_ path: String) throws -> HashedFile {
        do {
            return try FileHashing.sha256(ofFile: path)
        } catch {
            throw BackupError.disk(operation: "read", path: path, reason: "\(error)")
        }
    }

    static func rename(_ path: String, to target: String) throws {
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw BackupError.disk(
                operation: "rename to", path: target, reason: unsafe String(cString: strerror(errno)))
        }
        try sync((target as NSString).deletingLastPathComponent)
    }

    /// Makes the names in a directory durable.
    static func sync(_ directory: String) throws {
        let descriptor = unsafe open(directory, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw BackupError.disk(operation: "open", path: directory, reason: unsafe String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw BackupError.disk(operation: "sync", path: directory, reason: unsafe String(cString: strerror(errno)))
        }
    }

    /// The names in a directory, sorted; empty where there is none.
    static func names(_ directory: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        return try named("list", directory) {
            try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        }
    }

    /// The paths of all files below a directory, relative to it, sorted.
    static func files(below directory: String) throws -> [String] {
        var found: [String] = []
        for name in try names(directory) {
            var isDirectory: ObjCBool = false
            let path = directory + "/" + name
            _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
            guard isDirectory.boolValue, !isLink else {
                found.append(name)
                continue
            }
            found += try files(below: path).map { name + "/" + $0 }
        }
        return found.sorted()
    }

    static func remove(_ path: String) throws {
        try named("remove", path) { try FileManager.default.removeItem(atPath: path) }
    }

    static func named<Result>(_ operation: String, _ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as BackupError {
            throw error
        } catch {
            throw BackupError.disk(operation: operation, path: path, reason: error.localizedDescription)
        }
    }
}
