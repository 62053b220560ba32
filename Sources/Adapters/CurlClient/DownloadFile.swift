internal import Glibc

/// A file that a download is written to; used by one thread, closed with its last reference.
public final class DownloadFile {
    private let descriptor: Int32
    private let path: String

    /// Opens an empty file for writing.
    public init(path: String) throws(DownloadFileError) {
        self.path = path
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DownloadFileError(description: "cannot open \(path) (error \(errno))") }
    }

    deinit { close(descriptor) }

    /// Appends bytes.
    public func append(_ bytes: [UInt8]) throws(DownloadFileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw DownloadFileError(description: "cannot write \(path) (error \(errno))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Has everything on disk before it returns.
    public func finish() throws(DownloadFileError) {
        guard fsync(descriptor) == 0 else {
            throw DownloadFileError(description: "cannot store \(path) (error \(errno))")
        }
    }
}

/// Why a download cannot be kept.
public struct DownloadFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted on which file, and the system's error number.
    public let description: String
}
