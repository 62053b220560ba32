public import ModelTrust

/// Verifies versions against pinned publisher keys.
public struct ModelVerifier: Sendable {
    private let trust: VersionTrust<PublicKey, SHA256>

    /// Trusts the given publisher keys and no other; revoked keys are refused by that name.
    public init(trustedKeys: [PublicKey], revokedKeys: [PublicKey] = []) {
        trust = VersionTrust(trustedKeys: trustedKeys, revokedKeys: revokedKeys, hashing: SHA256())
    }

    /// Checks the signature alone: which files the version has, and its digest.
    ///
    /// - Throws: ``ArtifactRefusal``.
    public func authenticate(bundle: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion {
        try trust.authenticate(bundle: bundle)
    }

    /// Checks signature, files and description together; see ``VersionTrust/verify(bundle:files:manifest:)``.
    ///
    /// - Throws: ``ArtifactRefusal``.
    public func verify(
        bundle: [UInt8], files: [FileDigest], manifest: [UInt8]
    ) throws(ArtifactRefusal) -> VerifiedVersion {
        try trust.verify(bundle: bundle, files: files, manifest: manifest)
    }

    /// Hashes and checks a model that is one file, with the signature in another.
    ///
    /// - Throws: ``ArtifactRefusal`` for content, ``FileAccessError`` for what cannot be read or may not be there.
    public func verify(file: String, signature: String) throws -> AuthenticVersion {
        let bundle = try FileHashing.contents(ofFile: signature, limitBytes: SignatureBundle.limitBytes)
        return try trust.verify(bundle: bundle, singleFile: try FileHashing.sha256(ofFile: file).digest)
    }

    /// Hashes and checks a directory that holds the version's files and its `model.sig`.
    ///
    /// - Throws: ``ArtifactRefusal`` for content, ``FileAccessError`` for what cannot be read or may not be there.
    public func verify(directory: String) throws -> VerifiedVersion {
        let bundle = try FileHashing.contents(
            ofFile: "\(directory)/\(ArtifactPath.signature)", limitBytes: SignatureBundle.limitBytes)
        let listing = try DirectoryListing.read(directory)
        guard listing.files.contains(where: { $0.path == .manifest }) else {
            // Without the file there is nothing to parse, but a bad signature is the graver news.
            let signed = try trust.authenticate(bundle: bundle).statement.files
            throw signed.contains { $0.path == .manifest }
                ? ArtifactRefusal.fileMissing(.manifest) : ArtifactRefusal.manifestMissing
        }
        let manifest = try FileHashing.contents(
            ofFile: "\(directory)/\(ArtifactPath.manifest)", limitBytes: EdgeVersionManifest.limitBytes)
        return try trust.verify(bundle: bundle, files: listing.files, manifest: manifest)
    }
}
