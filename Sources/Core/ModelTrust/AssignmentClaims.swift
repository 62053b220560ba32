public import Fleet

/// What one device should run and fall back to, as the controller signs it.
public struct AssignmentClaims: Hashable, Sendable {
    /// The device; an assignment is worth nothing to another.
    public var device: DeviceID
    /// Numbers the device's assignments; a smaller number than one already seen is a replay.
    public var number: UInt64
    /// The model that the assignment is about.
    public var model: ModelName
    /// What to run; nil to run nothing.
    public var run: Target?
    /// What to fall back to; nil before the first version proved itself.
    public var fallback: Fallback?
    /// The deployment that the assignment comes from; nil where none covers the device any more.
    public var deployment: DeploymentName?
    /// The rollout that the assignment is part of; nil outside a rollout.
    public var rollout: RolloutID?
    /// Whether a device that runs the version already installs it once more, as in a placebo rollout.
    ///
    /// A device that does not know the claim keeps what it runs.
    public var reinstall: Bool
    /// The number of the assignment by which this version was last ordered on purpose; 0 where it never was.
    ///
    /// A device on which the version failed tries it again only if it failed under an earlier assignment than that. A
    /// device that does not know the claim tries it again by any newer assignment.
    public var retry: UInt64
    /// How long the device may be silent while it updates, in seconds from the attempt's start.
    public var updatingSeconds: UInt64
    /// When it was signed, in seconds since 1970.
    public var issuedAt: Int64
    /// Until when a device may install by it, in seconds since 1970.
    public var expiresAt: Int64

    /// A version to fetch and run.
    public struct Target: Hashable, Sendable {
        /// The version's name.
        public var version: VersionName
        /// The version's digest: SHA-256 of its signed payload.
        public var digest: Digest
        /// The size of all files together, in bytes.
        public var sizeBytes: UInt64

        /// Makes a target.
        public init(version: VersionName, digest: Digest, sizeBytes: UInt64) {
            self.version = version
            self.digest = digest
            self.sizeBytes = sizeBytes
        }
    }

    /// A version to return to, which the device holds already.
    public struct Fallback: Hashable, Sendable {
        /// The version's name.
        public var version: VersionName
        /// The version's digest.
        public var digest: Digest

        /// Makes a fallback.
        public init(version: VersionName, digest: Digest) {
            self.version = version
            self.digest = digest
        }
    }

    /// Makes claims.
    public init(
        device: DeviceID, number: UInt64, model: ModelName, run: Target?, fallback: Fallback?,
        deployment: DeploymentName?, rollout: RolloutID?, reinstall: Bool = false, retry: UInt64 = 0,
        updatingSeconds: UInt64, issuedAt: Int64, expiresAt: Int64
    ) {
        self.device = device
        self.number = number
        self.model = model
        self.run = run
        self.fallback = fallback
        self.deployment = deployment
        self.rollout = rollout
        self.reinstall = reinstall
        self.retry = retry
        self.updatingSeconds = updatingSeconds
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}

extension AssignmentClaims {
    /// The type in the header of a signed assignment.
    public static let tokenType = "edge-assignment+jwt"
    /// How far clocks may differ, in seconds.
    public static let leewaySeconds: Int64 = 60

    /// Signs the claims and returns the compact JWS.
    ///
    /// - Throws: what the signing key throws.
    public func signed<Key: MessageSigning>(with key: Key) throws(Key.Failure) -> String {
        try CompactJWS.sign(serialized(), type: Self.tokenType, with: key)
    }

    /// Reads a signed assignment that a trusted key made for this device; how old it is does not matter here.
    ///
    /// - Throws: ``AssignmentRefusal`` with what is wrong.
    public init(
        verifying text: String, trustedKeys: [some SignatureVerifying], device: DeviceID
    ) throws(AssignmentRefusal) {
        let token = try CompactJWS(parsing: text, type: Self.tokenType)
        let candidates = trustedKeys.filter { token.keyID == nil || token.keyID == $0.fingerprint.hex }
        guard !candidates.isEmpty else { throw .unknownKey(token.keyID ?? "none") }
        guard candidates.contains(where: { $0.accepts(rawSignature: token.signature, over: token.signedMessage) })
        else { throw .signatureInvalid }
        try self.init(parsing: token.payload)
        guard self.device == device else { throw .wrongDevice(expected: device, actual: self.device) }
    }

    /// Refuses to install by an assignment that is expired or from the future.
    ///
    /// Expiry never stops serving.
    ///
    /// - Parameter now: seconds since 1970; ``leewaySeconds`` are allowed on both ends.
    /// - Throws: ``AssignmentRefusal/expired(expiresAt:now:)`` or ``AssignmentRefusal/notYetValid(issuedAt:now:)``.
    public func requireFresh(now: Int64) throws(AssignmentRefusal) {
        guard issuedAt - Self.leewaySeconds <= now else { throw .notYetValid(issuedAt: issuedAt, now: now) }
        guard now < expiresAt + Self.leewaySeconds else { throw .expired(expiresAt: expiresAt, now: now) }
    }

    /// The JSON text of the claims, members sorted by name.
    public func serialized() -> [UInt8] {
        var members: [String: JSONValue] = [
            "sub": .string(device.rawValue), "number": .integer(Int64(clamping: number)),
            "model": .string(model.rawValue), "updatingSeconds": .integer(Int64(clamping: updatingSeconds)),
            "iat": .integer(issuedAt), "exp": .integer(expiresAt),
        ]
        members["run"] = run.map { run in
            .object([
                "version": .string(run.version.rawValue), "digest": .string(run.digest.hex),
                "sizeBytes": .integer(Int64(clamping: run.sizeBytes)),
            ])
        }
        members["fallback"] = fallback.map { fallback in
            .object(["version": .string(fallback.version.rawValue), "digest": .string(fallback.digest.hex)])
        }
        members["deployment"] = deployment.map { .string($0.rawValue) }
        members["rollout"] = rollout.map { .string($0.rawValue) }
        if reinstall { members["reinstall"] = .bool(true) }
        if retry > 0 { members["retry"] = .integer(Int64(clamping: retry)) }
        return JSONValue.object(members).serialized()
    }

    /// Reads the JSON text of claims; members that are not known are ignored (RFC 7519 section 4).
    ///
    /// - Throws: ``AssignmentRefusal/claimsMalformed(reason:)``.
    public init(parsing text: [UInt8]) throws(AssignmentRefusal) {
        do {
            self = try Self(
                try FieldReader(try JSONValue(parsing: text, limits: JSONLimits(bytes: CompactJWS.limitBytes))))
        } catch {
            throw .claimsMalformed(reason: "\(error)")
        }
    }

    private init(_ fields: FieldReader) throws(FieldFault) {
        device = try fields.name("sub", of: DeviceSubject.self)
        number = try fields.count("number")
        model = try fields.name("model", of: ModelSubject.self)
        if let target = try fields.optionalObject("run") { run = try Target(target) }
        if let target = try fields.optionalObject("fallback") { fallback = try Fallback(target) }
        if fields.optional("deployment") != nil {
            deployment = try fields.name("deployment", of: DeploymentSubject.self)
        }
        if fields.optional("rollout") != nil { rollout = try fields.name("rollout", of: RolloutSubject.self) }
        reinstall = try fields.flag("reinstall")
        retry = fields.optional("retry") == nil ? 0 : try fields.count("retry")
        guard retry <= number else { throw FieldFault("retry must be at most number") }
        updatingSeconds = try fields.count("updatingSeconds")
        issuedAt = Int64(try fields.count("iat"))
        expiresAt = Int64(try fields.count("exp"))
        guard expiresAt > issuedAt else { throw FieldFault("exp must be after iat") }
    }
}

extension AssignmentClaims.Target {
    fileprivate init(_ fields: FieldReader) throws(FieldFault) {
        version = try fields.name("version", of: VersionSubject.self)
        digest = try fields.digest("digest")
        sizeBytes = try fields.count("sizeBytes")
    }
}

extension AssignmentClaims.Fallback {
    fileprivate init(_ fields: FieldReader) throws(FieldFault) {
        version = try fields.name("version", of: VersionSubject.self)
        digest = try fields.digest("digest")
    }
}
