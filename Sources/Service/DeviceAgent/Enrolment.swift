public import Fleet

/// Who the device is, as it was enrolled.
public struct DeviceIdentity: Codable, Hashable, Sendable {
    /// The device.
    public var device: DeviceID
    /// Its bearer token: a secret; nil for a device with a certificate.
    public var deviceToken: String?
    /// The path of its certificate in the state directory; nil for a device with a bearer token.
    public var certificate: String?
    /// Where it enrolled.
    public var controllerURL: String

    /// Makes an identity.
    public init(device: DeviceID, deviceToken: String?, certificate: String? = nil, controllerURL: String) {
        self.certificate = certificate
        self.device = device
        self.deviceToken = deviceToken
        self.controllerURL = controllerURL
    }
}

/// The public keys a device trusts, as PEM: pinned by its enrolment token, and changed by nothing but key sets that the
/// pinned recovery key signed.
public struct TrustedKeys: Codable, Hashable, Sendable {
    /// Signs assignments.
    public var assignmentKey: String
    /// Sign versions.
    public var publisherKeys: [String]
    /// Signed versions once and are refused since.
    public var revokedKeys: [String]
    /// The fingerprint of the key that signs the next key set; nil where none was pinned.
    public var recoveryKey: Digest?
    /// The number of the key set that is followed; 0 before the first.
    public var keySet: UInt64

    /// Makes a set of keys.
    public init(
        assignmentKey: String, publisherKeys: [String], revokedKeys: [String] = [], recoveryKey: Digest? = nil,
        keySet: UInt64 = 0
    ) {
        self.assignmentKey = assignmentKey
        self.publisherKeys = publisherKeys
        self.revokedKeys = revokedKeys
        self.recoveryKey = recoveryKey
        self.keySet = keySet
    }

    /// Reads what this agent or an older one wrote.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        assignmentKey = try fields.decode(String.self, forKey: .assignmentKey)
        publisherKeys = try fields.decode([String].self, forKey: .publisherKeys)
        revokedKeys = try fields.decodeIfPresent([String].self, forKey: .revokedKeys) ?? []
        recoveryKey = try fields.decodeIfPresent(Digest.self, forKey: .recoveryKey)
        keySet = try fields.decodeIfPresent(UInt64.self, forKey: .keySet) ?? 0
    }
}

/// What an enrolled device keeps.
public struct Membership: Hashable, Sendable {
    /// Who it is.
    public var identity: DeviceIdentity
    /// Whom it trusts.
    public var keys: TrustedKeys

    /// Pairs both.
    public init(identity: DeviceIdentity, keys: TrustedKeys) {
        self.identity = identity
        self.keys = keys
    }
}

/// The device's membership on disk.
public struct MembershipStore: Sendable {
    private let files: any DurableFiles

    /// Uses the agent's state directory.
    public init(files: any DurableFiles) {
        self.files = files
    }

    /// Reads the membership; nil on a device that was never enrolled.
    ///
    /// - Throws: ``StorageFault``, or a decoding error when a file is damaged.
    public func load() throws -> Membership? {
        guard let identity = try files.read(StateLayout.identity), let keys = try files.read(StateLayout.trustedKeys)
        else { return nil }
        return Membership(
            identity: try JSONCoding.decode(DeviceIdentity.self, from: identity),
            keys: try JSONCoding.decode(TrustedKeys.self, from: keys))
    }

    /// Writes the controller's certificate authority, PEM, to ``StateLayout/certificateAuthority``.
    public func saveAuthority(_ pem: String) throws {
        try files.makeDirectories("trust")
        try files.replace(StateLayout.certificateAuthority, with: Array(pem.utf8))
    }

    /// The device's private key, PEM: made here where there is none, and never sent.
    public func deviceKey(making new: () throws -> String) throws -> String {
        if let known = try files.read(StateLayout.deviceKey) { return String(decoding: known, as: UTF8.self) }
        let made = try new()
        try files.makeDirectories("identity")
        try files.replace(StateLayout.deviceKey, with: Array(made.utf8), isSecret: true)
        return made
    }

    /// Writes a certificate, PEM, to a file of its own; its path.
    ///
    /// The one before stays until ``renew(_:)``: the identity on disk names it until then.
    public func saveCertificate(_ pem: String, expiresAt: Timestamp) throws -> String {
        let path = StateLayout.certificate(expiresAt: expiresAt)
        try files.makeDirectories("identity")
        try files.replace(path, with: Array(pem.utf8))
        return path
    }

    /// Writes who the device is from now on, and removes the certificates before.
    public func renew(_ identity: DeviceIdentity) throws {
        try files.replace(StateLayout.identity, with: JSONCoding.encode(identity), isSecret: true)
        let kept = identity.certificate
        for entry in try files.list("identity") where StateLayout.isCertificate(entry.name) {
            if "identity/\(entry.name)" != kept { try files.remove("identity/\(entry.name)") }
        }
    }

    /// Writes whom the device trusts from now on.
    public func save(_ keys: TrustedKeys) throws {
        try files.replace(StateLayout.trustedKeys, with: JSONCoding.encode(keys))
    }

    /// Writes the membership, the keys first: an identity without them would be a device that trusts nobody.
    public func save(_ membership: Membership) throws {
        try files.makeDirectories("identity")
        try files.makeDirectories("trust")
        try files.replace(StateLayout.trustedKeys, with: JSONCoding.encode(membership.keys))
        try files.replace(StateLayout.identity, with: JSONCoding.encode(membership.identity), isSecret: true)
    }
}
