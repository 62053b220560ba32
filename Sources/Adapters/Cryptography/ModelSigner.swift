internal import Fleet
public import ModelTrust

/// A version that was just signed.
public struct SignedVersion: Hashable, Sendable {
    /// The text of `model.sig`, to be stored beside the files.
    public let bundle: [UInt8]
    /// The version and its digest, checked against the signature as a device would.
    public let version: VerifiedVersion
    /// The size of the files together, in bytes.
    public let sizeBytes: UInt64
}

/// Signs versions with a publisher's key.
public struct ModelSigner: Sendable {
    private let key: PublisherSigner

    /// Signs with a key in memory.
    public init(key: SigningKey) { self.init(PublisherSigner(key)) }

    /// Signs with the given key.
    public init(_ key: PublisherSigner) { self.key = key }

    /// Signs a list of files and returns the text of `model.sig`.
    ///
    /// - Parameters:
    ///   - files: every file of the version; they are sorted here.
    ///   - subject: a name for people; nothing is decided by it.
    /// - Throws: ``ArtifactRefusal`` when the list is empty or names a file twice, ``CryptographyError``.
    public func sign(files: [FileDigest], subject: String) throws -> [UInt8] {
        let payload = try ModelStatement(subject: subject, files: files, hashing: SHA256()).serialized()
        let message = DSSE.preAuthenticationEncoding(payloadType: DSSE.inTotoPayloadType, payload: payload)
        let signature = try key.derSignature(over: message)
        return SignatureBundle(keyHint: key.pemDigest.hex, payload: payload, signature: signature).serialized()
    }

    /// Hashes and signs a model that is one file, and returns the text of the signature.
    ///
    /// - Throws: ``FileAccessError``, ``CryptographyError``.
    public func sign(file: String, subject: String) throws -> [UInt8] {
        try sign(
            files: [FileDigest(path: .wholeFile, digest: try FileHashing.sha256(ofFile: file).digest)],
            subject: subject)
    }

    /// Hashes and signs a directory that holds an `edge-version.json`; an older `model.sig` in it is not covered.
    ///
    /// The directory is not written to.
    ///
    /// - Throws: ``FileAccessError``, ``ArtifactRefusal`` (an unusable `edge-version.json`), ``CryptographyError``.
    public func sign(directory: String) throws -> SignedVersion {
        let listing = try DirectoryListing.read(directory)
        guard listing.files.contains(where: { $0.path == .manifest }) else { throw ArtifactRefusal.manifestMissing }
        let manifest = try FileHashing.contents(
            ofFile: "\(directory)/\(ArtifactPath.manifest)", limitBytes: EdgeVersionManifest.limitBytes)
        let described = try EdgeVersionManifest(parsing: manifest)
        let bundle = try sign(files: listing.files, subject: "\(described.model)/\(described.version)")
        let version = try ModelVerifier(trustedKeys: [key.publicKey])
            .verify(bundle: bundle, files: listing.files, manifest: manifest)
        return SignedVersion(bundle: bundle, version: version, sizeBytes: listing.sizeBytes)
    }
}
