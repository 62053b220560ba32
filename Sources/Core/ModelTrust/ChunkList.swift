public import Fleet

/// The digests of the pieces of a version's large files: the content of `edge-chunks.json`.
///
/// It lies among the signed files. With it a device finds out which piece of a download is not what was signed, and
/// fetches that piece again, instead of finding out at the end that some piece is not. A version without the file is
/// fetched and checked file by file.
public struct ChunkList: Hashable, Sendable {
    /// The smallest and the largest piece, in bytes.
    public static let bounds: ClosedRange<UInt64> = 64 << 10...64 << 20
    /// The largest `edge-chunks.json` that is read.
    public static let limitBytes = 8 << 20
    /// Pieces are no smaller than this, and grow with the largest file so that none has more than ``usualCount``.
    public static let usualBytes: UInt64 = 1 << 20
    /// So many pieces of a file are usual.
    public static let usualCount: UInt64 = 8192

    /// The size of every piece but a file's last one, in bytes.
    public let chunkBytes: UInt64
    /// The digests of each file's pieces, first piece first.
    public let digests: [ArtifactPath: [Digest]]

    /// Makes a list.
    public init(chunkBytes: UInt64, digests: [ArtifactPath: [Digest]]) {
        precondition(Self.bounds.contains(chunkBytes), "a piece has 64 KiB to 64 MiB")
        self.chunkBytes = chunkBytes
        self.digests = digests
    }

    /// The size of pieces for a version whose largest file has so many bytes.
    public static func chunkBytes(forLargest sizeBytes: UInt64) -> UInt64 {
        var chunkBytes = usualBytes
        while chunkBytes < bounds.upperBound, sizeBytes / chunkBytes >= usualCount { chunkBytes *= 2 }
        return chunkBytes
    }

    /// The pieces of a file of that size; nil where the list has none, or another number of them.
    public func digests(of path: ArtifactPath, sizeBytes: UInt64) -> [Digest]? {
        guard let found = digests[path], sizeBytes > 0, UInt64(found.count) == (sizeBytes - 1) / chunkBytes + 1 else {
            return nil
        }
        return found
    }

    /// Reads `edge-chunks.json`.
    ///
    /// - Throws: ``ChunkListFault``.
    public init(parsing text: [UInt8]) throws(ChunkListFault) {
        do {
            let fields = try FieldReader(try JSONValue(parsing: text, limits: JSONLimits(bytes: Self.limitBytes)))
            try fields.allowOnly(["chunkBytes", "files"])
            let chunkBytes = try fields.count("chunkBytes")
            guard Self.bounds.contains(chunkBytes) else { throw FieldFault("chunkBytes must be 64 KiB to 64 MiB") }
            guard case .object(let files) = try fields.required("files") else {
                throw FieldFault("files must be an object")
            }
            self.chunkBytes = chunkBytes
            var read: [ArtifactPath: [Digest]] = [:]
            for (path, value) in files { read[try ArtifactPath(path)] = try Self.digests(value, of: path) }
            digests = read
        } catch {
            throw ChunkListFault(description: "edge-chunks.json: \(error)")
        }
    }

    private static func digests(_ value: JSONValue, of path: String) throws(FieldFault) -> [Digest] {
        guard case .array(let texts) = value else { throw FieldFault("files.\(path) must be an array") }
        var read: [Digest] = []
        for text in texts {
            guard case .string(let hex) = text, let digest = Digest(hex: hex) else {
                throw FieldFault("files.\(path) must hold SHA-256 digests")
            }
            read.append(digest)
        }
        return read
    }

    /// The JSON text, members sorted by name.
    public func serialized() -> [UInt8] {
        let files = digests.map { ($0.key.rawValue, JSONValue.array($0.value.map { .string($0.hex) })) }
        return JSONValue.object([
            "chunkBytes": .integer(Int64(chunkBytes)),
            "files": .object(Dictionary(files) { $1 }),
        ]).serialized()
    }
}

/// Why a list of pieces cannot be read.
public struct ChunkListFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    public let description: String
}
