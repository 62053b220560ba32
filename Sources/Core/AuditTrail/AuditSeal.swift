public import Fleet
public import ModelTrust

/// What the controller signs about its audit log: how many rows there were, and the hash of the last.
///
/// A checkpoint is kept beside the rows; a head is made whenever somebody asks how long the log is; a beginning is made
/// when retention removes the rows up to a checkpoint. They are signed as different types, so that an old checkpoint
/// cannot be shown as the end of the log, nor as its beginning.
public struct AuditSeal: Hashable, Sendable {
    /// What a seal is for.
    public enum Kind: Hashable, Sendable {
        /// Kept with the log.
        case checkpoint
        /// The end of the log when somebody asked.
        case head
        /// Where the log begins, since retention removed what was before.
        case beginning

        /// The type in the header of the signed text.
        public var tokenType: String {
            switch self {
            case .checkpoint: "edge-audit-checkpoint+jwt"
            case .head: "edge-audit-head+jwt"
            case .beginning: "edge-audit-beginning+jwt"
            }
        }
    }

    /// How many rows it covers: the number of the last.
    public var number: UInt64
    /// The hash of the last row.
    public var hash: Digest
    /// SHA-256 of the text of the checkpoint before it; ``Fleet/Digest/zero`` before the first.
    ///
    /// Of a beginning: of the checkpoint that it stands on.
    public var previous: Digest
    /// When it was signed, in seconds since 1970.
    public var issuedAt: Int64

    /// Names what is sealed.
    public init(number: UInt64, hash: Digest, previous: Digest, issuedAt: Int64) {
        self.number = number
        self.hash = hash
        self.previous = previous
        self.issuedAt = issuedAt
    }

    /// The signed content, members sorted by name.
    public func serialized() -> [UInt8] {
        JSONValue.object([
            "number": .integer(Int64(clamping: number)), "hash": .string(hash.hex), "previous": .string(previous.hex),
            "iat": .integer(issuedAt),
        ]).serialized()
    }

    /// Reads a seal that one of the keys signed.
    ///
    /// - Throws: ``AuditFault/Code`` `seal_malformed` or `signature_invalid`.
    public init(
        verifying text: String, as kind: Kind, keys: [some SignatureVerifying]
    ) throws(AuditFault.Code) {
        let token: CompactJWS
        do {
            token = try CompactJWS(parsing: text, type: kind.tokenType)
        } catch {
            throw .sealMalformed
        }
        let candidates = keys.filter { token.keyID == $0.fingerprint.hex }
        guard candidates.contains(where: { $0.accepts(rawSignature: token.signature, over: token.signedMessage) })
        else { throw .signatureInvalid }
        guard let seal = Self(token.payload) else { throw .sealMalformed }
        self = seal
    }

    private init?(_ payload: [UInt8]) {
        guard let document = try? JSONValue(parsing: payload), case .object(let members) = document,
            case .integer(let number)? = members["number"], number >= 0,
            case .string(let hash)? = members["hash"], let hash = Digest(hex: hash),
            case .string(let previous)? = members["previous"], let previous = Digest(hex: previous),
            case .integer(let issuedAt)? = members["iat"]
        else { return nil }
        self.init(number: UInt64(number), hash: hash, previous: previous, issuedAt: issuedAt)
    }
}
