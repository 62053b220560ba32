public import Fleet

/// One file of a version and its SHA-256 digest.
public struct FileDigest: Hashable, Sendable {
    /// Where the file lies in the version's directory.
    public let path: ArtifactPath
    /// SHA-256 of its content.
    public let digest: Digest

    /// Pairs a path with a digest.
    public init(path: ArtifactPath, digest: Digest) {
        self.path = path
        self.digest = digest
    }
}

/// What a publisher signs: the list of a version's files, as an in-toto statement of OpenSSF Model Signing v1.0.
///
/// Source: https://github.com/in-toto/attestation/tree/main/spec/v1 and OpenSSF Model Signing v1.0, serialization
/// method `files`, hash type `sha256`.
public struct ModelStatement: Hashable, Sendable {
    /// The name given to the model; information only, nothing is decided by it.
    public let subject: String
    /// The signed files, in the order of the statement; no path appears twice.
    public let files: [FileDigest]
    /// SHA-256 of the files' raw digests, one after another.
    public let root: Digest

    /// The type that marks a model signing statement.
    public static let predicateType = "https://model_signing/signature/v1.0"
    /// The type of an in-toto statement.
    public static let statementType = "https://in-toto.io/Statement/v1"

    /// Makes the statement over files, which are sorted by the bytes of their paths.
    ///
    /// - Throws: ``ArtifactRefusal/statementMalformed(reason:)`` if there is no file or a path appears twice.
    public init(
        subject: String, files: [FileDigest], hashing algorithm: some DigestAlgorithm
    ) throws(ArtifactRefusal) {
        self.subject = subject
        self.files = files.sorted { $0.path < $1.path }
        root = Self.root(of: self.files, algorithm)
        try Self.check(self.files)
    }

    /// Reads a statement from the payload of a verified envelope.
    ///
    /// - Parameter isOfSingleFile: whether the statement is about one file instead of a directory; its only path is
    ///   ``ArtifactPath/wholeFile`` then, which is forbidden otherwise.
    /// - Throws: ``ArtifactRefusal`` saying which rule of the format is broken.
    public init(
        parsing payload: [UInt8], hashing algorithm: some DigestAlgorithm, isOfSingleFile: Bool = false
    ) throws(ArtifactRefusal) {
        let read: (subject: String, root: Digest, resources: [(name: String, digest: Digest)])
        do {
            let document = try JSONValue(parsing: payload, limits: JSONLimits(bytes: SignatureBundle.limitBytes))
            read = try Self.read(try FieldReader(document))
        } catch {
            throw .statementMalformed(reason: "\(error)")
        }
        var files: [FileDigest] = []
        if isOfSingleFile {
            guard read.resources.count == 1, read.resources[0].name == ArtifactPath.wholeFile.rawValue else {
                throw .statementMalformed(reason: "it is about a directory, not about a single file")
            }
            files = [FileDigest(path: .wholeFile, digest: read.resources[0].digest)]
        }
        for resource in read.resources where !isOfSingleFile {
            do throws(InvalidArtifactPath) {
                files.append(FileDigest(path: try ArtifactPath(resource.name), digest: resource.digest))
            } catch {
                throw .pathForbidden(error)
            }
        }
        subject = read.subject
        self.files = files
        root = Self.root(of: files, algorithm)
        try Self.check(files)
        guard root == read.root else { throw .rootMismatch(expected: read.root, actual: root) }
    }

    /// The statement's JSON text: the payload that is signed.
    public func serialized() -> [UInt8] {
        let resources = files.map { file in
            JSONValue.object([
                "name": .string(file.path.rawValue), "algorithm": .string("sha256"), "digest": .string(file.digest.hex),
            ])
        }
        let serialization: JSONValue = .object([
            "method": .string("files"), "hash_type": .string("sha256"), "allow_symlinks": .bool(false),
            "ignore_paths": .array([.string(ArtifactPath.signature.rawValue)]),
        ])
        let statement: JSONValue = .object([
            "_type": .string(Self.statementType),
            "subject": .array([
                .object(["name": .string(subject), "digest": .object(["sha256": .string(root.hex)])])
            ]),
            "predicateType": .string(Self.predicateType),
            "predicate": .object(["serialization": serialization, "resources": .array(resources)]),
        ])
        return statement.serialized()
    }

    private static func root(of files: [FileDigest], _ algorithm: some DigestAlgorithm) -> Digest {
        algorithm.digest(of: files.flatMap(\.digest.bytes))
    }

    private static func check(_ files: [FileDigest]) throws(ArtifactRefusal) {
        guard !files.isEmpty else { throw .statementMalformed(reason: "it covers no file") }
        var seen: Set<ArtifactPath> = []
        for file in files where !seen.insert(file.path).inserted {
            throw .statementMalformed(reason: "the file \(file.path) appears twice")
        }
    }

    private static func read(
        _ statement: FieldReader
    ) throws(FieldFault) -> (subject: String, root: Digest, resources: [(name: String, digest: Digest)]) {
        guard try statement.string("_type") == statementType else { throw FieldFault("_type must be \(statementType)") }
        guard try statement.string("predicateType") == predicateType else {
            throw FieldFault("predicateType must be \(predicateType)")
        }
        let subjects = try statement.array("subject")
        guard subjects.count == 1 else { throw FieldFault("subject must hold one entry") }
        let subject = try FieldReader(subjects[0], at: "subject[0]")
        let predicate = try statement.object("predicate")
        try checkSerialization(try predicate.object("serialization"))
        var resources: [(name: String, digest: Digest)] = []
        for (index, value) in try predicate.array("resources").enumerated() {
            let resource = try FieldReader(value, at: "predicate.resources[\(index)]")
            guard try resource.string("algorithm") == "sha256" else {
                throw FieldFault("predicate.resources[\(index)].algorithm must be sha256")
            }
            resources.append((try resource.string("name"), try resource.digest("digest")))
        }
        return (try subject.string("name"), try subject.object("digest").digest("sha256"), resources)
    }

    private static func checkSerialization(_ serialization: FieldReader) throws(FieldFault) {
        guard try serialization.string("method") == "files" else {
            throw FieldFault("predicate.serialization.method must be files")
        }
        guard try serialization.string("hash_type") == "sha256" else {
            throw FieldFault("predicate.serialization.hash_type must be sha256")
        }
        guard try serialization.required("allow_symlinks") == .bool(false) else {
            throw FieldFault("predicate.serialization.allow_symlinks must be false")
        }
    }
}
