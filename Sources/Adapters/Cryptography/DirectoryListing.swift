public import ModelTrust

/// The files of a version's directory with their digests: all but `model.sig`, sorted by the bytes of their paths.
public struct DirectoryListing: Hashable, Sendable {
    /// The files.
    public let files: [FileDigest]
    /// The size of the files together, in bytes.
    public let sizeBytes: UInt64

    /// The most files that a version may have.
    public static let limitFiles = 50_000
    /// How deep a version's directories may nest.
    public static let limitDepth = 32

    /// Walks a directory and hashes every file, at most 1 MiB of it in memory.
    ///
    /// Empty directories leave no trace. Entries are opened beneath the directory they were found in, so that a
    /// directory swapped during the walk cannot lead outside.
    ///
    /// - Throws: ``FileAccessError`` for a symbolic link, a special file, a name that is no path or a failed read.
    public static func read(_ path: String) throws(FileAccessError) -> DirectoryListing {
        let root = try FileDescriptor(opening: path, followingLink: true)
        guard case .directory = try root.kind() else {
            throw .system(operation: "list as a directory", path: path, code: FileAccessError.notADirectory)
        }
        var walk = Walk(root: path)
        try walk.visit(root, prefix: "", depth: 1)
        return DirectoryListing(files: walk.files.sorted { $0.path < $1.path }, sizeBytes: walk.sizeBytes)
    }
}

private struct Walk {
    let root: String
    var files: [FileDigest] = []
    var sizeBytes: UInt64 = 0

    init(root: String) { self.root = root }

    mutating func visit(
        _ directory: borrowing FileDescriptor, prefix: String, depth: Int
    ) throws(FileAccessError) {
        guard depth <= DirectoryListing.limitDepth else {
            throw .tooMany(path: "\(root)/\(prefix)", limit: DirectoryListing.limitDepth)
        }
        for name in try directory.names(limit: DirectoryListing.limitFiles) {
            let path = try artifactPath(prefix + name)
            if path == .signature { continue }
            let full = "\(root)/\(path)"
            let entry = try FileDescriptor(opening: name, in: directory, path: full)
            switch try entry.kind() {
            case .regular: try add(entry, path)
            case .directory: try visit(entry, prefix: "\(path)/", depth: depth + 1)
            case .special: throw .specialFile(path: full)
            }
        }
    }

    private mutating func add(_ file: borrowing FileDescriptor, _ path: ArtifactPath) throws(FileAccessError) {
        guard files.count < DirectoryListing.limitFiles else {
            throw .tooMany(path: root, limit: DirectoryListing.limitFiles)
        }
        let hashed = try FileHashing.sha256(of: file)
        files.append(FileDigest(path: path, digest: hashed.digest))
        sizeBytes += hashed.sizeBytes
    }

    private func artifactPath(_ text: String) throws(FileAccessError) -> ArtifactPath {
        do throws(InvalidArtifactPath) {
            return try ArtifactPath(text)
        } catch {
            throw .nameForbidden(error)
        }
    }
}
