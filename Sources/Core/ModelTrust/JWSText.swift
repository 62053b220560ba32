/// A JSON Web Signature in compact form, taken apart: what ``CompactJWS`` and ``SignedToken`` have in common.
///
/// The header may hold `alg`, `typ` and `kid` only: a key, an address of a key or an extension in it is refused before
/// the signature is looked at, as is every algorithm that is not asked for.
///
/// Source: RFC 7515 sections 3.1 and 5.2; RFC 8725 sections 3.1, 3.2, 3.10 and 3.11.
struct JWSText {
    /// What is wrong with a text.
    enum Fault: Error {
        case tooLarge(bytes: Int)
        case malformed(reason: String)
        case algorithmForbidden(String)
        case headerForbidden(String)
    }

    /// The longest text that is read, in bytes.
    static let limitBytes = 8 << 10

    let algorithm: TokenAlgorithm
    /// The header's `typ`; nil where it has none.
    let type: String?
    /// The header's `kid`; nil where it has none.
    let keyID: String?
    let payload: [UInt8]
    /// 64 bytes on a curve, 256 to 1024 with RSA.
    let signature: [UInt8]
    /// The first two parts of the text with their point.
    let signedMessage: [UInt8]

    init(parsing text: String, algorithms: [TokenAlgorithm], ignoredHeader: Set<String> = []) throws(Fault) {
        guard text.utf8.count <= Self.limitBytes else { throw .tooLarge(bytes: text.utf8.count) }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3 else { throw .malformed(reason: "it has \(parts.count) parts instead of 3") }
        guard let header = Base64.url.decode(parts[0]), let payload = Base64.url.decode(parts[1]),
            let signature = Base64.url.decode(parts[2])
        else { throw .malformed(reason: "a part is not base64url without padding") }
        let members = try Self.members(of: header)
        let name = if case .string(let name)? = members["alg"] { name } else { "none" }
        guard let algorithm = TokenAlgorithm(rawValue: name), algorithms.contains(algorithm) else {
            throw .algorithmForbidden(name)
        }
        for name in members.keys.sorted() where !["alg", "typ", "kid"].contains(name) {
            guard ignoredHeader.contains(name) else { throw .headerForbidden(name) }
        }
        type = try Self.text("typ", in: members)
        keyID = try Self.text("kid", in: members)
        let lengths = algorithm == .rs256 ? 256...1024 : 64...64
        guard lengths.contains(signature.count) else {
            throw .malformed(reason: "a signature has \(lengths.lowerBound) bytes, not \(signature.count)")
        }
        self.algorithm = algorithm
        self.payload = payload
        self.signature = signature
        signedMessage = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// Signs a payload and returns the compact text.
    static func sign<Failure: Error>(
        _ payload: [UInt8], type: String, keyID: String, algorithm: TokenAlgorithm,
        with signature: ([UInt8]) throws(Failure) -> [UInt8]
    ) throws(Failure) -> String {
        let header: JSONValue = .object([
            "alg": .string(algorithm.rawValue), "typ": .string(type), "kid": .string(keyID),
        ])
        let message = Base64.url.encode(header.serialized()) + "." + Base64.url.encode(payload)
        return message + "." + Base64.url.encode(try signature(Array(message.utf8)))
    }

    private static func members(of header: [UInt8]) throws(Fault) -> [String: JSONValue] {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: header, limits: JSONLimits(bytes: limitBytes, depth: 4))
        } catch {
            throw .malformed(reason: "the header is not JSON: \(error)")
        }
        guard case .object(let members) = document else { throw .malformed(reason: "the header is not an object") }
        return members
    }

    private static func text(_ name: String, in members: [String: JSONValue]) throws(Fault) -> String? {
        switch members[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw .malformed(reason: "the header's \(name) is not a string")
        }
    }
}
