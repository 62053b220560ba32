public import Fleet

/// Who the device is, as it was enrolled.
public struct DeviceIdentity: Codable, Hashable, Sendable {
    /// The device.
    public var device: DeviceID
    /// Its bearer token: a secret.
    public var deviceToken: String
    /// Where it enrolled.
    public var controllerURL: String

    /// Makes an identity.
    public init(device: DeviceID, deviceToken: String, controllerURL: String) {
        self.device = device
        self.deviceToken = deviceToken
        self.controllerURL = controllerURL
    }
}

/// The public keys a device trusts, as PEM; every one was pinned by its enrolment token.
public struct TrustedKeys: Codable, Hashable, Sendable {
    /// Signs assignments.
    public var assignmentKey: String
    /// Sign versions.
    public var publisherKeys: [String]

    /// Makes a set of keys.
    public init(assignmentKey: String, publisherKeys: [String]) {
        self.assignmentKey = assignmentKey
        self.publisherKeys = publisherKeys
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

    /// Writes the membership, the keys first: an identity without them would be a device that trusts nobody.
    public func save(_ membership: Membership) throws {
        try files.makeDirectories("identity")
        try files.makeDirectories("trust")
        try files.replace(StateLayout.trustedKeys, with: JSONCoding.encode(membership.keys))
        try files.replace(StateLayout.identity, with: JSONCoding.encode(membership.identity), isSecret: true)
    }
}
