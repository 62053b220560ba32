/// The algorithms that tokens may be signed with; there is no other, whatever a token's header asks for.
public enum TokenAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// Ed25519 (RFC 8037).
    case edDSA = "EdDSA"
    /// ECDSA on P-256 over SHA-256 (RFC 7518 section 3.4).
    case es256 = "ES256"
}

/// A public key that tokens are checked with: a port.
public protocol TokenKey: Sendable {
    /// What a header's `kid` names it by.
    var keyID: String { get }
    /// The one algorithm the key is for.
    var algorithm: TokenAlgorithm { get }
    /// Whether the signature, 64 bytes, is the key's over the message.
    func accepts(signature: [UInt8], over message: [UInt8]) -> Bool
}

/// A signed token (compact JWS) as it was read, before anything in it is believed.
///
/// The header may hold `alg`, `typ` and `kid` only: a key, an address of a key or an extension in it is refused before
/// the signature is looked at.
///
/// Source: RFC 7515 sections 3.1 and 5.2; RFC 8725 sections 3.1, 3.2, 3.10 and 3.11.
public struct SignedToken: Hashable, Sendable {
    /// What the header says it is signed with.
    public let algorithm: TokenAlgorithm
    /// The declared type; nil where the header has none.
    public let type: String?
    /// Which of the reader's own keys to use.
    public let keyID: String
    /// The signed content.
    public let payload: [UInt8]
    /// The signature, 64 bytes with either algorithm.
    public let signature: [UInt8]
    /// What was signed: the first two parts of the text with their point.
    public let signedMessage: [UInt8]

    /// The longest text that is read, in bytes.
    public static let limitBytes = 8 << 10

    /// Reads a token without checking its signature.
    ///
    /// - Throws: ``TokenRefusal`` for anything outside the profile.
    public init(parsing text: String) throws(TokenRefusal) {
        guard text.utf8.count <= Self.limitBytes else { throw .tooLarge(bytes: text.utf8.count) }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3 else { throw .malformed(reason: "it has \(parts.count) parts instead of 3") }
        guard let header = Base64.url.decode(parts[0]), let payload = Base64.url.decode(parts[1]),
            let signature = Base64.url.decode(parts[2])
        else { throw .malformed(reason: "a part is not base64url without padding") }
        let members = try Self.members(of: header)
        guard case .string(let name)? = members["alg"], let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .algorithmForbidden(Self.text(members["alg"]) ?? "none")
        }
        for name in members.keys.sorted() where !["alg", "typ", "kid"].contains(name) { throw .headerForbidden(name) }
        guard case .string(let keyID)? = members["kid"] else { throw .unknownKey("none") }
        if let type = members["typ"], Self.text(type) == nil { throw .malformed(reason: "its typ is not a string") }
        guard signature.count == 64 else {
            throw .malformed(reason: "a signature has 64 bytes, not \(signature.count)")
        }
        self.algorithm = algorithm
        self.keyID = keyID
        type = Self.text(members["typ"])
        self.payload = payload
        self.signature = signature
        signedMessage = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// Checks the signature with the key that the header names, one of the reader's own.
    ///
    /// - Throws: ``TokenRefusal/unknownKey(_:)``, ``TokenRefusal/algorithmForbidden(_:)`` where the key is for another
    ///   algorithm, or ``TokenRefusal/signatureInvalid``.
    public func requireSigned(by keys: [some TokenKey]) throws(TokenRefusal) {
        guard let key = keys.first(where: { $0.keyID == keyID }) else { throw .unknownKey(keyID) }
        guard key.algorithm == algorithm else { throw .algorithmForbidden(algorithm.rawValue) }
        guard key.accepts(signature: signature, over: signedMessage) else { throw .signatureInvalid }
    }

    /// Signs a payload and returns the compact text.
    ///
    /// - Throws: what signing throws.
    public static func sign<Failure: Error>(
        _ payload: [UInt8], type: String, keyID: String, algorithm: TokenAlgorithm,
        with signature: ([UInt8]) throws(Failure) -> [UInt8]
    ) throws(Failure) -> String {
        let header: JSONValue = .object([
            "alg": .string(algorithm.rawValue), "typ": .string(type), "kid": .string(keyID),
        ])
        let message = Base64.url.encode(header.serialized()) + "." + Base64.url.encode(payload)
        return message + "." + Base64.url.encode(try signature(Array(message.utf8)))
    }

    private static func members(of header: [UInt8]) throws(TokenRefusal) -> [String: JSONValue] {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: header, limits: JSONLimits(bytes: limitBytes, depth: 4))
        } catch {
            throw .malformed(reason: "the header is not JSON: \(error)")
        }
        guard case .object(let members) = document else { throw .malformed(reason: "the header is not an object") }
        return members
    }

    private static func text(_ value: JSONValue?) -> String? {
        guard case .string(let text)? = value else { return nil }
        return text
    }
}
