public import Cryptography
public import Fleet
public import ModelTrust
public import WireFormat

/// A version that is signed and ready to be sent.
public struct PreparedVersion: Sendable {
    /// Where its files lie.
    public let directory: String
    /// The signature over them, JSON text.
    public let bundle: String
    /// Its files with their digests and sizes.
    public let files: [VersionFile]

    /// Takes files with a signature over them.
    public init(directory: String, bundle: String, files: [FileDigest]) throws {
        self.directory = directory
        self.bundle = bundle
        self.files = try files.map { file in
            VersionFile(
                path: file.path.rawValue, digest: file.digest,
                sizeBytes: try FileHashing.size(ofFile: "\(directory)/\(file.path)"))
        }
    }

    /// Signs a staged directory.
    public init(signing directory: String, with key: PublisherSigner) throws {
        let signed = try ModelSigner(key).sign(directory: directory)
        try self.init(
            directory: directory, bundle: String(decoding: signed.bundle, as: UTF8.self),
            files: signed.version.files)
    }
}

extension Orchestrator {
    /// The release counter that orders a version behind all others of its model; a version that is registered already
    /// keeps its own, so that the same files make the same version again.
    public func nextReleaseCounter(
        for version: VersionName, of model: ModelName
    ) throws(OrchestratorError) -> UInt64 {
        let versions: [VersionResource]
        do throws(OrchestratorError) {
            versions = try self.versions(of: model)
        } catch {
            guard error.problem?.status == 404 else { throw error }
            return 1
        }
        if let same = versions.first(where: { $0.version == version }) { return same.releaseCounter }
        return (versions.map(\.releaseCounter).max() ?? 0) + 1
    }

    /// Uploads a prepared version's files and registers it; the same version again changes nothing.
    ///
    /// - Parameter progress: called with a file and how many of its bytes are stored.
    public func publish(
        _ prepared: PreparedVersion, as version: VersionName, of model: ModelName,
        progress: (_ file: VersionFile, _ storedBytes: UInt64) -> Void = { _, _ in }
    ) throws(OrchestratorError) -> VersionResource {
        for file in prepared.files {
            try upload(
                ArtifactUpload(
                    path: "\(prepared.directory)/\(file.path)", digest: file.digest, sizeBytes: file.sizeBytes)
            ) { progress(file, $0) }
        }
        return try register(
            VersionRegistration(version: version, bundle: prepared.bundle, files: prepared.files), model: model)
    }

    /// Registers a publisher's public key where the controller does not know it.
    ///
    /// - Returns: whether it was registered now.
    public func makeKnown(_ key: PublicKey) throws(OrchestratorError) -> Bool {
        let known = try publisherKeys()
        // The key itself is compared: the controller's word for its fingerprint is not taken.
        guard !known.contains(where: { PublicKey.read(pem: $0.pem) == key }) else { return false }
        _ = try addPublisherKey(pem: key.pem)
        return true
    }
}
