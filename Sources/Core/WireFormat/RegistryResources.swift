public import Fleet

/// One file of a version.
public struct VersionFile: Codable, Hashable, Sendable {
    /// Its path in the version's directory, with `/`, relative, without `..`.
    public var path: String
    /// SHA-256 of its bytes; also its address in the artifact store.
    public var digest: Digest
    /// Its size in bytes.
    public var sizeBytes: UInt64

    /// Names a file.
    public init(path: String, digest: Digest, sizeBytes: UInt64) {
        self.path = path
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

/// What a publisher registers after the files are uploaded.
public struct VersionRegistration: Codable, Hashable, Sendable {
    /// The version's name; must be the one in the signed `edge-version.json`.
    public var version: VersionName
    /// The OpenSSF Model Signing bundle, JSON text as it was signed.
    public var bundle: String
    /// The files, `edge-version.json` among them, sorted by path; exactly the signed ones.
    public var files: [VersionFile]

    /// Makes a registration.
    public init(version: VersionName, bundle: String, files: [VersionFile]) {
        self.version = version
        self.bundle = bundle
        self.files = files
    }
}

/// A version as the registry knows it.
public struct VersionResource: Codable, Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The name.
    public var version: VersionName
    /// SHA-256 of the signed payload.
    public var digest: Digest
    /// The release counter of `edge-version.json`.
    public var releaseCounter: UInt64
    /// The metadata of `edge-version.json`.
    public var metadata: [String: String]
    /// Its files.
    public var files: [VersionFile]
    /// The signature bundle, JSON text.
    public var bundle: String
    /// Fingerprint of the publisher's key (SHA-256 of SubjectPublicKeyInfo, hexadecimal); nil where the controller
    /// knows no such key.
    public var publisher: String?
    /// When it was registered.
    public var createdAt: Timestamp
    /// Who registered it.
    public var createdBy: String
    /// When it was pushed again, the last time; nil for never.
    public var pushedAgainAt: Timestamp?
    /// When retention removed its artifacts; nil while they are there.
    public var artifactsRemovedAt: Timestamp?

    /// Makes a version.
    public init(
        model: ModelName, version: VersionName, digest: Digest, releaseCounter: UInt64, metadata: [String: String],
        files: [VersionFile], bundle: String, publisher: String?, createdAt: Timestamp, createdBy: String
    ) {
        self.model = model
        self.version = version
        self.digest = digest
        self.releaseCounter = releaseCounter
        self.metadata = metadata
        self.files = files
        self.bundle = bundle
        self.publisher = publisher
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

/// A model and how many versions it has.
public struct ModelResource: Codable, Hashable, Sendable {
    /// The name.
    public var name: ModelName
    /// How many versions are registered.
    public var versions: Int
    /// The newest version by registration.
    public var latest: VersionName?

    /// Makes a model.
    public init(name: ModelName, versions: Int, latest: VersionName?) {
        self.name = name
        self.versions = versions
        self.latest = latest
    }
}

/// Starts or resumes the upload of one file.
public struct UploadRequest: Codable, Hashable, Sendable {
    /// The file's size in bytes.
    public var sizeBytes: UInt64

    /// Makes a request.
    public init(sizeBytes: UInt64) {
        self.sizeBytes = sizeBytes
    }
}

/// How far an upload is.
public struct UploadStatus: Codable, Hashable, Sendable {
    /// Bytes stored; the next piece starts here.
    public var offsetBytes: UInt64
    /// True when all bytes are there and their digest was verified.
    public var complete: Bool

    /// Makes a status.
    public init(offsetBytes: UInt64, complete: Bool) {
        self.offsetBytes = offsetBytes
        self.complete = complete
    }
}

/// A publisher's public key.
public struct PublisherKey: Codable, Hashable, Sendable {
    /// SubjectPublicKeyInfo as PEM.
    public var pem: String
    /// SHA-256 of the SubjectPublicKeyInfo, hexadecimal; filled by the controller.
    public var fingerprint: String?
    /// Whether a key set has revoked it; nil where none has.
    public var revoked: Bool?

    /// Makes a key.
    public init(pem: String, fingerprint: String? = nil, revoked: Bool? = nil) {
        self.pem = pem
        self.fingerprint = fingerprint
        self.revoked = revoked
    }
}

/// What a publisher sends to have devices follow another set of keys.
public struct KeySetPublication: Codable, Hashable, Sendable {
    /// The signed key set, a DSSE envelope as JSON text, exactly as it was signed.
    public var envelope: String

    /// Makes a publication.
    public init(envelope: String) {
        self.envelope = envelope
    }
}

/// A set of publisher keys as the recovery key signed it.
///
/// The controller keeps and relays it; what counts is in the envelope.
public struct KeySetResource: Codable, Hashable, Sendable {
    /// Its number; sets follow each other without gaps, from 1.
    public var number: UInt64
    /// The signed set, a DSSE envelope as JSON text.
    public var envelope: String
    /// Fingerprints of the online keys, as the envelope says.
    public var keys: [Digest]
    /// Fingerprints of the revoked keys, as the envelope says.
    public var revoked: [Digest]
    /// Fingerprint of the key that signs the next set, as the envelope says.
    public var recoveryKey: Digest
    /// When it was published.
    public var publishedAt: Timestamp
    /// Who published it.
    public var publishedBy: String

    /// Makes a set.
    public init(
        number: UInt64, envelope: String, keys: [Digest], revoked: [Digest], recoveryKey: Digest,
        publishedAt: Timestamp, publishedBy: String
    ) {
        self.number = number
        self.envelope = envelope
        self.keys = keys
        self.revoked = revoked
        self.recoveryKey = recoveryKey
        self.publishedAt = publishedAt
        self.publishedBy = publishedBy
    }
}
