public import Fleet

/// A signature that a trusted key made: which files belong to the version, before any of them was looked at.
public struct AuthenticVersion: Hashable, Sendable {
    /// The version's digest: SHA-256 of the signed payload.
    public let digest: Digest
    /// The signed list of files.
    public let statement: ModelStatement
    /// The fingerprint of the key that signed.
    public let signer: Digest
}

/// A version whose signature, files and own description agree.
public struct VerifiedVersion: Hashable, Sendable {
    /// The version's digest: SHA-256 of the signed payload.
    public let digest: Digest
    /// What the version says it is.
    public let manifest: EdgeVersionManifest
    /// The files, sorted by path.
    public let files: [FileDigest]
    /// The fingerprint of the key that signed.
    public let signer: Digest

    /// Refuses the version unless it is the one that was asked for.
    ///
    /// - Throws: ``ArtifactRefusal/manifestMismatch(field:expected:actual:)`` naming the first difference.
    public func require(
        model: ModelName, version: VersionName? = nil, digest expected: Digest? = nil
    ) throws(ArtifactRefusal) {
        guard manifest.model == model else {
            throw .manifestMismatch(field: "model", expected: model.rawValue, actual: manifest.model.rawValue)
        }
        if let version, manifest.version != version {
            throw .manifestMismatch(field: "version", expected: version.rawValue, actual: manifest.version.rawValue)
        }
        if let expected, digest != expected {
            throw .manifestMismatch(field: "digest", expected: expected.hex, actual: digest.hex)
        }
    }
}

/// Decides whether a directory of files is a version that a trusted publisher signed.
public struct VersionTrust<Key: SignatureVerifying, Algorithm: DigestAlgorithm>: Sendable {
    private let trustedKeys: [Key]
    private let revokedKeys: [Key]
    private let algorithm: Algorithm

    /// Trusts the given publisher keys and no other; revoked keys are refused by that name.
    public init(trustedKeys: [Key], revokedKeys: [Key] = [], hashing algorithm: Algorithm) {
        self.trustedKeys = trustedKeys
        self.revokedKeys = revokedKeys
        self.algorithm = algorithm
    }

    /// The same, but revoked keys count as well: enough to know whether what was accepted before is still unharmed.
    public var withRevoked: Self { Self(trustedKeys: trustedKeys + revokedKeys, hashing: algorithm) }

    /// Checks the signature alone: enough to know the version's digest and what to download.
    ///
    /// Nothing of the payload is parsed before its signature holds.
    ///
    /// - Throws: ``ArtifactRefusal`` for the bundle, the key, the signature or the statement.
    public func authenticate(bundle text: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion {
        let (payload, key) = try signed(text)
        return AuthenticVersion(
            digest: algorithm.digest(of: payload), statement: try ModelStatement(parsing: payload, hashing: algorithm),
            signer: key.fingerprint)
    }

    /// Checks the signature over a model that is one file: no version, which is a directory that says what it is.
    ///
    /// - Throws: ``ArtifactRefusal`` with the first thing that is wrong.
    public func verify(bundle text: [UInt8], singleFile digest: Digest) throws(ArtifactRefusal) -> AuthenticVersion {
        let (payload, key) = try signed(text)
        let statement = try ModelStatement(parsing: payload, hashing: algorithm, isOfSingleFile: true)
        try compare(signed: statement.files, present: [FileDigest(path: .wholeFile, digest: digest)])
        return AuthenticVersion(
            digest: algorithm.digest(of: payload), statement: statement, signer: key.fingerprint)
    }

    private func signed(_ text: [UInt8]) throws(ArtifactRefusal) -> (payload: [UInt8], key: Key) {
        let bundle = try SignatureBundle(parsing: text)
        if let key = revokedKeys.first(where: { $0.pemDigest.hex == bundle.keyHint }) {
            throw .signatureRevokedKey(key: key.fingerprint)
        }
        guard let key = trustedKeys.first(where: { $0.pemDigest.hex == bundle.keyHint }) else {
            throw .signatureUnknownKey(hint: bundle.keyHint)
        }
        guard key.accepts(derSignature: bundle.signature, over: bundle.signedMessage) else {
            throw .signatureInvalid(key: key.fingerprint)
        }
        return (bundle.payload, key)
    }

    /// Checks signature, files and description together.
    ///
    /// - Parameters:
    ///   - bundle: the content of `model.sig`.
    ///   - files: every file of the directory but `model.sig`, with the digest of what is there. The caller's listing
    ///     refuses symbolic links and special files.
    ///   - manifest: the content of `edge-version.json`; its digest is checked against the signature once more, so that
    ///     what was hashed and what is parsed cannot differ.
    /// - Throws: ``ArtifactRefusal`` with the first thing that is wrong.
    public func verify(
        bundle: [UInt8], files: [FileDigest], manifest: [UInt8]
    ) throws(ArtifactRefusal) -> VerifiedVersion {
        let authentic = try authenticate(bundle: bundle)
        try compare(signed: authentic.statement.files, present: files)
        return VerifiedVersion(
            digest: authentic.digest, manifest: try read(manifest, signed: authentic.statement.files),
            files: authentic.statement.files.sorted { $0.path < $1.path }, signer: authentic.signer)
    }

    private func compare(signed: [FileDigest], present: [FileDigest]) throws(ArtifactRefusal) {
        var actual: [ArtifactPath: Digest] = [:]
        for file in present { actual[file.path] = file.digest }
        for file in signed {
            guard let digest = actual.removeValue(forKey: file.path) else { throw .fileMissing(file.path) }
            guard digest == file.digest else {
                throw .hashMismatch(path: file.path, expected: file.digest, actual: digest)
            }
        }
        if let surplus = actual.keys.min() { throw .fileUnexpected(surplus) }
    }

    private func read(_ text: [UInt8], signed: [FileDigest]) throws(ArtifactRefusal) -> EdgeVersionManifest {
        guard let entry = signed.first(where: { $0.path == .manifest }) else { throw .manifestMissing }
        let actual = algorithm.digest(of: text)
        guard actual == entry.digest else {
            throw .hashMismatch(path: .manifest, expected: entry.digest, actual: actual)
        }
        let manifest = try EdgeVersionManifest(parsing: text)
        for path in [manifest.entry, manifest.smokeTest?.goldenInputs].compactMap({ $0 }) {
            guard signed.contains(where: { $0.path == path }) else { throw .fileMissing(path) }
        }
        return manifest
    }
}
