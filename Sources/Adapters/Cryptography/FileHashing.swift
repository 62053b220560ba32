public import Fleet
internal import Glibc

/// What hashing a file found.
public struct HashedFile: Hashable, Sendable {
    /// SHA-256 of the content.
    public let digest: Digest
    /// How many bytes were hashed.
    public let sizeBytes: UInt64
}

/// Files as bytes and digests.
public enum FileHashing {
    /// Hashes a regular file, holding no more than 1 MiB of it in memory.
    ///
    /// - Throws: ``FileAccessError`` when it cannot be read, or is a symbolic link or not a regular file.
    public static func sha256(ofFile path: String) throws(FileAccessError) -> HashedFile {
        let file = try FileDescriptor(opening: path)
        guard case .regular = try file.kind() else { throw .specialFile(path: path) }
        return try sha256(of: file)
    }

    /// How many bytes a regular file has.
    ///
    /// Foundation's attributes hold a number of another type in programs that use Foundation whole.
    ///
    /// - Throws: ``FileAccessError`` when it cannot be opened, or is a symbolic link or not a regular file.
    public static func size(ofFile path: String) throws(FileAccessError) -> UInt64 {
        guard case .regular(let sizeBytes) = try FileDescriptor(opening: path).kind() else {
            throw .specialFile(path: path)
        }
        return sizeBytes
    }

    /// Hashes some of a regular file's bytes, which must be there.
    ///
    /// - Throws: ``FileAccessError`` when they cannot be read, or the file ends before them.
    public static func sha256(ofFile path: String, in range: Range<UInt64>) throws(FileAccessError) -> Digest {
        let file = try FileDescriptor(opening: path)
        guard case .regular = try file.kind() else { throw .specialFile(path: path) }
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: Int(min(1 << 18, range.upperBound - range.lowerBound)))
        var position = range.lowerBound
        while position < range.upperBound {
            let count = try file.read(into: &buffer, at: position)
            guard count > 0 else { throw .system(operation: "hash the end of", path: path, code: ENODATA) }
            let wanted = min(count, Int(range.upperBound - position))
            hasher.update(buffer.span.extracting(first: wanted))
            position += UInt64(wanted)
        }
        return hasher.finalize()
    }

    /// Reads a small regular file whole.
    ///
    /// - Throws: ``FileAccessError`` when it cannot be read, or is larger than the limit or not a regular file.
    public static func contents(ofFile path: String, limitBytes: Int) throws(FileAccessError) -> [UInt8] {
        let file = try FileDescriptor(opening: path)
        guard case .regular = try file.kind() else { throw .specialFile(path: path) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limitBytes, 1 << 16) + 1)
        while true {
            let count = try file.read(into: &buffer)
            if count == 0 { return contents }
            contents.append(contentsOf: buffer.prefix(count))
            guard contents.count <= limitBytes else { throw .tooLarge(path: path, limitBytes: limitBytes) }
        }
    }

    static func sha256(of file: borrowing FileDescriptor) throws(FileAccessError) -> HashedFile {
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var size: UInt64 = 0
        while true {
            let count = try file.read(into: &buffer)
            if count == 0 { return HashedFile(digest: hasher.finalize(), sizeBytes: size) }
            hasher.update(buffer.span.extracting(first: count))
            size += UInt64(count)
        }
    }
}
