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
    public static let limitBytes = 8 << 10

    /// Reads a compact JWS without checking its signature.
    ///
    /// - Throws: ``AssignmentRefusal`` for anything outside the profile.
    public init(parsing text: String, type expected: String?) throws(AssignmentRefusal) {
        guard text.utf8.count <= Self.limitBytes else { throw .tooLarge(bytes: text.utf8.count) }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3 else { throw .malformed(reason: "it has \(parts.count) parts instead of 3") }
        guard let header = Base64.url.decode(parts[0]), let payload = Base64.url.decode(parts[1]),
            let signature = Base64.url.decode(parts[2])
        else { throw .malformed(reason: "a part is not base64url without padding") }
        (type, keyID) = try Self.read(header)
        guard type == expected else { throw .typeForbidden(type ?? "none") }
        guard signature.count == 64 else {
            throw .malformed(reason: "an ES256 signature has 64 bytes, not \(signature.count)")
        }
        self.payload = payload
        self.signature = signature
        signedMessage = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// Signs a payload and returns the compact text.
    ///
    /// - Throws: what the signing key throws.
    public static func sign<Key: MessageSigning>(
        _ payload: [UInt8], type: String, with key: Key
    ) throws(Key.Failure) -> String {
        let header: JSONValue = .object([
            "alg": .string("ES256"), "typ": .string(type), "kid": .string(key.fingerprint.hex),
        ])
        let message = Base64.url.encode(header.serialized()) + "." + Base64.url.encode(payload)
        return message + "." + Base64.url.encode(try key.rawSignature(over: Array(message.utf8)))
    }

    private static func read(_ text: [UInt8]) throws(AssignmentRefusal) -> (type: String?, keyID: String?) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: text, limits: JSONLimits(bytes: limitBytes, depth: 4))
        } catch {
            throw .malformed(reason: "the header is not JSON: \(error)")
        }
        guard case .object(let members) = document else { throw .malformed(reason: "the header is not an object") }
        guard case .string("ES256")? = members["alg"] else { throw .algorithmForbidden(algorithm(in: members)) }
        for name in members.keys.sorted() where !["alg", "typ", "kid"].contains(name) { throw .headerForbidden(name) }
        return (try string("typ", in: members), try string("kid", in: members))
    }

    private static func algorithm(in members: [String: JSONValue]) -> String {
        if case .string(let name)? = members["alg"] { name } else { "none" }
    }

    private static func string(
        _ name: String, in members: [String: JSONValue]
    ) throws(AssignmentRefusal) -> String? {
        switch members[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw .malformed(reason: "the header's \(name) is not a string")
        }
    }
}
