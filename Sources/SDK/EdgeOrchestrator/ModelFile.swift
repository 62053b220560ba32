internal import Cryptography
internal import Fleet
internal import ModelTrust

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a model's file says of its model and version by its name and its content.
///
/// `yolov8n_v2.onnx` is model `yolov8n` and version `v2-` with the first twelve digits of its SHA-256; a name without a
/// version gives `sha-` and those digits. The same bytes always give the same version, other bytes another one.
struct ModelFile: Hashable {
    let model: String
    let version: String

    /// Reads a file, or a directory with everything the version holds.
    ///
    /// - Throws: ``VersionSourceError``, and what hashing throws.
    init(path: String) throws {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw VersionSourceError.invalid("cannot read \(path): there is no such file; check the path")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try self.init(
            name: name, isDirectory: isDirectory,
            digest: isDirectory
                ? Self.digest(ofDirectory: path) : FileHashing.sha256(ofFile: Self.real(path)).digest)
    }

    init(name: String, isDirectory: Bool, digest: Digest) throws(VersionSourceError) {
        let stem = isDirectory ? name : Self.stem(of: name)
        let parts = Self.versioned(stem)
        let model = Self.asName(parts.model)
        guard !model.isEmpty else {
            throw .invalid("\"\(name)\" names no model; say which model it is")
        }
        self.model = model
        let content = String(digest.hex.prefix(12))
        version = parts.version.map { "\(Self.asName($0, limit: 50))-\(content)" } ?? "sha-\(content)"
    }

    private static func stem(of name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }

    /// Parts a name at its last `-` or `_` that is followed by a number, with or without a `v`.
    private static func versioned(_ stem: String) -> (model: String, version: String?) {
        let places = stem.indices.filter { stem[$0] == "_" || stem[$0] == "-" }.reversed()
        for place in places where place != stem.startIndex {
            let rest = stem[stem.index(after: place)...]
            let number = rest.first == "v" || rest.first == "V" ? rest.dropFirst() : rest
            if let first = number.utf8.first, (0x30...0x39).contains(first) {
                return (String(stem[..<place]), String(rest))
            }
        }
        return (stem, nil)
    }

    /// The text as a name: what names may not hold becomes `-`.
    static func asName(_ text: String, limit: Int = 64) -> String {
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: false
            }
        }
        var bytes = text.utf8.map { isPlain($0) || $0 == 0x2E || $0 == 0x5F ? $0 : 0x2D }[...]
        bytes = bytes.drop { !isPlain($0) }.prefix(limit)
        while let last = bytes.last, !isPlain(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// SHA-256 of the text that `sha256sum` would print of the files, sorted by path.
    private static func digest(ofDirectory path: String) throws -> Digest {
        let lines = try DirectoryListing.read(path).files.map { "\($0.digest.hex)  \($0.path)\n" }
        return SHA256().digest(of: Array(lines.joined().utf8))
    }

    private static func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
}
