public import Fleet
public import ModelTrust
public import WireFormat

/// The controller's clock; a value in tests.
public protocol OrchestratorClock: Sendable {
    /// The moment now.
    func now() -> Timestamp
}

/// The cryptography the controller needs: hashes, randomness, and its assignment key.
public protocol OrchestratorCryptography: Sendable {
    /// SHA-256.
    func digest(_ bytes: [UInt8]) -> Digest

    /// Unpredictable bytes from the system.
    func randomBytes(_ count: Int) -> [UInt8]

    /// Signs an assignment with the assignment key and returns the compact JWS (ES256).
    func sign(_ assignment: AssignmentClaims) throws -> String

    /// Signs what the controller says about itself with the assignment key: a compact JWS (ES256) of the given type.
    func sign(payload: [UInt8], type: String) throws -> String

    /// The assignment key's public half, PEM.
    var assignmentKeyPEM: String { get }

    /// SHA-256 of the SubjectPublicKeyInfo in a PEM text.
    ///
    /// - Throws: when the text is no P-256 public key.
    func fingerprint(publicKeyPEM: String) throws -> Digest

    /// Issues a certificate to a device for the key of its request (PKCS #10, PEM); nil where none are issued here.
    ///
    /// - Throws: when the request cannot be used; its description says why.
    func issueCertificate(
        request: String, to device: DeviceID, at now: Timestamp
    ) throws -> (pem: String, key: Digest)?

    /// Checks a version's bundle against its files and the known publisher keys.
    ///
    /// - Throws: ``VersionRefusal``.
    func verifyVersion(
        bundle: String, manifest: [UInt8], files: [(path: String, digest: Digest)], keys: KnownPublisherKeys
    ) throws -> AcceptedVersion

    /// Follows a chain of signed key sets, oldest first, and says what the last of them says.
    ///
    /// - Throws: ``VersionRefusal`` for the first that is not the next.
    func followKeySets(_ envelopes: [String]) throws -> AcceptedKeySet
}

extension OrchestratorCryptography {
    /// Issues none.
    public func issueCertificate(
        request: String, to device: DeviceID, at now: Timestamp
    ) throws -> (pem: String, key: Digest)? { nil }
}

/// Publishers' public keys as PEM.
public struct KnownPublisherKeys: Hashable, Sendable {
    /// Their signatures count.
    public var trusted: [String]
    /// Theirs counted once.
    public var revoked: [String]

    /// Pairs both.
    public init(trusted: [String], revoked: [String]) {
        self.trusted = trusted
        self.revoked = revoked
    }
}

/// What a key set says that follows the ones before.
public struct AcceptedKeySet: Hashable, Sendable {
    /// Its number.
    public var number: UInt64
    /// The keys whose signatures count.
    public var keys: [PublisherKey]
    /// The keys whose signatures count no more.
    public var revoked: [PublisherKey]
    /// Fingerprint of the key that signs the next set.
    public var recoveryKey: Digest

    /// Makes a description.
    public init(number: UInt64, keys: [PublisherKey], revoked: [PublisherKey], recoveryKey: Digest) {
        self.number = number
        self.keys = keys
        self.revoked = revoked
        self.recoveryKey = recoveryKey
    }
}

/// What a verified bundle says about a version.
public struct AcceptedVersion: Hashable, Sendable {
    /// The version digest: SHA-256 of the signed payload.
    public var digest: Digest
    /// The model named in `edge-version.json`.
    public var model: ModelName
    /// The version named there.
    public var version: VersionName
    /// The release counter there.
    public var releaseCounter: UInt64
    /// The metadata there.
    public var metadata: [String: String]
    /// Fingerprint of the key that signed; nil where no known publisher key verifies and none is registered.
    public var publisher: String?

    /// Makes a description.
    public init(
        digest: Digest, model: ModelName, version: VersionName, releaseCounter: UInt64, metadata: [String: String],
        publisher: String?
    ) {
        self.digest = digest
        self.model = model
        self.version = version
        self.releaseCounter = releaseCounter
        self.metadata = metadata
        self.publisher = publisher
    }
}

/// Where the controller says what happens; one event with its facts by name.
///
/// Never given a secret.
public protocol OrchestratorLog: Sendable {
    /// Something an operator wants to know.
    func info(_ event: String, _ facts: [String: String])
    /// Something an operator should look at.
    func warning(_ event: String, _ facts: [String: String])
    /// Something that an operator must act on.
    func error(_ event: String, _ facts: [String: String])
}

/// Why a version's signature or content was refused.
public struct VersionRefusal: Error, Hashable, Sendable {
    /// A stable code, such as `signature_invalid`.
    public var code: String
    /// A sentence for people with the remedy.
    public var sentence: String

    /// Makes a refusal.
    public init(code: String, sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}
