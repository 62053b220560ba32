import Fleet

/// A JSON Web Signature in compact form, in the one profile that is accepted: ES256, declared type, no header tricks.
///
/// The header may hold `alg`, `typ` and `kid` only. A header that brings its own key (`jwk`, `jku`, `x5u`, `x5c`) or
/// asks for extensions (`crit`) is refused before the signature is looked at, as is every algorithm but ES256.
///
/// Source: RFC 7515 sections 3.1 and 5.2; RFC 7518 section 3.4; RFC 8725 sections 3.1, 3.10 and 3.11.
public struct CompactJWS: Hashable, Sendable {
    /// The declared type, compared exactly; nil where the header has none.
    public let type: String?
    /// Which of the reader's own keys to use; nil where the header does not say.
    public let keyID: String?
    /// The signed content.
    public let payload: [UInt8]
    /// r and s, 32 bytes each.
    public let signature: [UInt8]
    /// What was signed: the first two parts of the text with their point.
    public let signedMessage: [UInt8]

    /// The longest text that is read, in bytes.
    public static let limitBytes = JWSText.limitBytes

    /// Reads a compact JWS without checking its signature.
    ///
    /// - Throws: ``AssignmentRefusal`` for anything outside the profile.
    public init(parsing text: String, type expected: String?) throws(AssignmentRefusal) {
        let read: JWSText
        do throws(JWSText.Fault) {
            read = try JWSText(parsing: text, algorithms: [.es256])
        } catch {
            throw AssignmentRefusal(error)
        }
        guard read.type == expected else { throw .typeForbidden(read.type ?? "none") }
        type = read.type
        keyID = read.keyID
        payload = read.payload
        signature = read.signature
        signedMessage = read.signedMessage
    }

    /// Signs a payload and returns the compact text.
    ///
    /// - Throws: what the signing key throws.
    public static func sign<Key: MessageSigning>(
        _ payload: [UInt8], type: String, with key: Key
    ) throws(Key.Failure) -> String {
        try JWSText.sign(payload, type: type, keyID: key.fingerprint.hex, algorithm: .es256) {
            (message) throws(Key.Failure) in try key.rawSignature(over: message)
        }
    }
}

extension AssignmentRefusal {
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
