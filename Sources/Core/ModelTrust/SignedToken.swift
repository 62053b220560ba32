/// The algorithms that tokens may be signed with; there is no other, whatever a token's header asks for.
public enum TokenAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// Ed25519 (RFC 8037).
    case edDSA = "EdDSA"
    /// ECDSA on P-256 over SHA-256 (RFC 7518 section 3.4).
    case es256 = "ES256"
    /// RSA PKCS #1 v1.5 over SHA-256 (RFC 7518 section 3.3): believed of an OpenID issuer only.
    case rs256 = "RS256"
}

/// A public key that tokens are checked with: a port.
public protocol TokenKey: Sendable {
    /// What a header's `kid` names it by.
    var keyID: String { get }
    /// The one algorithm the key is for.
    var algorithm: TokenAlgorithm { get }
    /// Whether the signature is the key's over the message.
    func accepts(signature: [UInt8], over message: [UInt8]) -> Bool
}

/// A signed token (compact JWS) as it was read, before anything in it is believed; its header names one of our keys.
///
/// Source: RFC 7515 section 5.2; RFC 8725 (see ``JWSText``).
public struct SignedToken: Hashable, Sendable {
    /// What the header says it is signed with.
    public let algorithm: TokenAlgorithm
    /// The declared type; nil where the header has none.
    public let type: String?
    /// Which of the reader's own keys to use.
    public let keyID: String
    /// The signed content.
    public let payload: [UInt8]
    /// The signature: 64 bytes on a curve, as many as the modulus with RSA.
    public let signature: [UInt8]
    /// What was signed: the first two parts of the text with their point.
    public let signedMessage: [UInt8]

    /// The longest text that is read, in bytes.
    public static let limitBytes = JWSText.limitBytes

    /// The algorithms of tokens that this system signs.
    public static let ownAlgorithms: [TokenAlgorithm] = [.edDSA, .es256]

    /// Reads a token without checking its signature.
    ///
    /// - Parameters:
    ///   - algorithms: what it may be signed with.
    ///   - ignoredHeader: members of the header that may be there and are not looked at, beside those of the profile.
    /// - Throws: ``TokenRefusal`` for anything outside the profile.
    public init(
        parsing text: String, algorithms: [TokenAlgorithm] = SignedToken.ownAlgorithms,
        ignoredHeader: Set<String> = []
    ) throws(TokenRefusal) {
        let read: JWSText
        do throws(JWSText.Fault) {
            read = try JWSText(parsing: text, algorithms: algorithms, ignoredHeader: ignoredHeader)
        } catch {
            throw TokenRefusal(error)
        }
        guard let keyID = read.keyID else { throw .unknownKey("none") }
        self.keyID = keyID
        algorithm = read.algorithm
        type = read.type
        payload = read.payload
        signature = read.signature
        signedMessage = read.signedMessage
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
        try JWSText.sign(payload, type: type, keyID: keyID, algorithm: algorithm, with: signature)
    }
}

extension TokenRefusal {
    fileprivate init(_ fault: JWSText.Fault) {
        self =
            switch fault {
            case .tooLarge(let bytes): .tooLarge(bytes: bytes)
            case .malformed(let reason): .malformed(reason: reason)
            case .algorithmForbidden(let name): .algorithmForbidden(name)
            case .headerForbidden(let name): .headerForbidden(name)
            }
    }
}
