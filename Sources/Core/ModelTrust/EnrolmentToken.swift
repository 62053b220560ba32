public import Fleet

/// What a new device is given to join the fleet: a secret that admits it, and whom it shall trust.
///
/// Text: `eo1.<base64url of 32 random bytes>.<base64url of JSON>`. The controller knows the digest of the random bytes
/// only; the JSON is appended from local files where the token is made, so that a controller cannot name its own keys.
public struct EnrolmentToken: Hashable, Sendable {
    /// The 32 random bytes that admit the device: a secret, never logged.
    public let secret: [UInt8]
    /// Whom the device shall trust.
    public let pins: TrustPins

    /// The first part of the text: the format's name.
    public static let prefix = "eo1"
    /// The number of random bytes.
    public static let secretBytes = 32
    /// The longest text that is read, in bytes.
    public static let limitBytes = 8 << 10

    /// Makes a token; nil unless the secret has 32 bytes.
    public init?(secret: [UInt8], pins: TrustPins) {
        guard secret.count == Self.secretBytes else { return nil }
        self.secret = secret
        self.pins = pins
    }

    /// Reads the text of a token.
    ///
    /// - Throws: ``EnrolmentTokenRefusal`` with what is wrong; never with the secret.
    public init(parsing text: String) throws(EnrolmentTokenRefusal) {
        guard text.utf8.count <= Self.limitBytes else { throw .malformed(reason: "it is too long") }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts[0] == Self.prefix else { throw .notAToken }
        guard parts.count == 3 else { throw .malformed(reason: "it has \(parts.count) parts instead of 3") }
        guard let secret = Base64.url.decode(parts[1]), secret.count == Self.secretBytes else {
            throw .malformed(reason: "its second part is not \(Self.secretBytes) bytes as base64url")
        }
        guard let json = Base64.url.decode(parts[2]) else {
            throw .malformed(reason: "its third part is not base64url")
        }
        self.secret = secret
        pins = try TrustPins(parsing: json)
    }

    /// The text to hand to a device, with the secret in it.
    public func serialized() -> String {
        "\(Self.prefix).\(Base64.url.encode(secret)).\(Base64.url.encode(pins.serialized()))"
    }
}

extension EnrolmentToken: CustomStringConvertible {
    /// The pins without the secret, fit for a log.
    public var description: String {
        "enrolment token (secret withheld) with \(pins.publisherKeys.count) publisher key(s)"
    }
}

/// The keys that a device trusts, by fingerprint: SHA-256 of the SubjectPublicKeyInfo (DER).
public struct TrustPins: Hashable, Sendable {
    /// The keys whose signatures on versions count; at least one.
    public var publisherKeys: [Digest]
    /// The offline key that signs which publisher keys count from now on; nil where they shall never change.
    public var recoveryKey: Digest?
    /// The number of the key set that ``publisherKeys`` are from; 0 where there was none yet.
    public var keySet: UInt64
    /// The key that signs assignments.
    public var assignmentKey: Digest
    /// The certificate authority of the controller; nil for the system's own.
    public var certificateAuthority: Digest?
    /// Where the controller is, such as `https://edge.example:8443`; nil if the device is told otherwise.
    public var controllerURL: String?

    /// Makes pins.
    public init(
        publisherKeys: [Digest], recoveryKey: Digest? = nil, keySet: UInt64 = 0, assignmentKey: Digest,
        certificateAuthority: Digest? = nil, controllerURL: String? = nil
    ) {
        self.publisherKeys = publisherKeys
        self.recoveryKey = recoveryKey
        self.keySet = keySet
        self.assignmentKey = assignmentKey
        self.certificateAuthority = certificateAuthority
        self.controllerURL = controllerURL
    }

    /// The JSON text, members sorted by name.
    public func serialized() -> [UInt8] {
        var members: [String: JSONValue] = [
            "publisherKeys": .array(publisherKeys.map { .string($0.hex) }),
            "assignmentKey": .string(assignmentKey.hex),
        ]
        members["recoveryKey"] = recoveryKey.map { .string($0.hex) }
        if keySet > 0 { members["keySet"] = .integer(Int64(clamping: keySet)) }
        members["ca"] = certificateAuthority.map { .string($0.hex) }
        members["controller"] = controllerURL.map { .string($0) }
        return JSONValue.object(members).serialized()
    }

    /// Reads the JSON text; members that are not known are ignored.
    ///
    /// - Throws: ``EnrolmentTokenRefusal/malformed(reason:)``.
    public init(parsing text: [UInt8]) throws(EnrolmentTokenRefusal) {
        do {
            let limits = JSONLimits(bytes: EnrolmentToken.limitBytes, depth: 4)
            self = try Self(try FieldReader(try JSONValue(parsing: text, limits: limits)))
        } catch {
            throw .malformed(reason: "its third part cannot be used: \(error)")
        }
    }

    private init(_ fields: FieldReader) throws(FieldFault) {
        publisherKeys = []
        for value in try fields.array("publisherKeys") {
            guard case .string(let text) = value, let digest = Digest(hex: text) else {
                throw FieldFault("publisherKeys must hold fingerprints of 64 lower-case hexadecimal digits")
            }
            publisherKeys.append(digest)
        }
        guard !publisherKeys.isEmpty else { throw FieldFault("publisherKeys must hold at least one fingerprint") }
        recoveryKey = fields.optional("recoveryKey") == nil ? nil : try fields.digest("recoveryKey")
        keySet = try fields.optionalCount("keySet") ?? 0
        assignmentKey = try fields.digest("assignmentKey")
        certificateAuthority = fields.optional("ca") == nil ? nil : try fields.digest("ca")
        controllerURL = try fields.optionalString("controller")
    }
}

/// Why a text is no enrolment token; never with the text itself.
public enum EnrolmentTokenRefusal: TrustRefusal {
    /// The text does not begin like a token.
    case notAToken
    /// The text begins like a token but is damaged.
    case malformed(reason: String)

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .notAToken: "enrolment_token_unrecognised"
        case .malformed: "enrolment_token_malformed"
        }
    }

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .notAToken:
            "This is not an enrolment token: a token begins with \"\(EnrolmentToken.prefix).\"."
        case .malformed(let reason):
            "The enrolment token is damaged: \(reason). Copy it again, or make a new one."
        }
    }
}
