public import Fleet

/// A public key that comes as PEM text: a port.
public protocol PEMKey: SignatureVerifying {
    /// The key as PEM text.
    var pem: String { get }
    /// Reads a key on P-256; nil when the text is none.
    static func read(pem: String) -> Self?
}

/// Whose signatures on versions count from now on, as the holder of the recovery key says: one link of a chain.
///
/// Sets are numbered from 1 without gaps, and each is signed by the recovery key that the one before names, so that a
/// device that slept through some of them follows them one by one. Only the recovery key signs key sets: whoever steals
/// an online key can sign versions until it is revoked, but can neither admit another key nor keep itself in.
///
/// Source: the chain of root metadata in The Update Framework 1.0.34, sections 5.3 and 6.1, with one key of each kind.
public struct PublisherKeySet<Key: PEMKey>: Sendable {
    /// Numbers the sets from 1.
    public var number: UInt64
    /// When it was signed, in seconds since 1970; for people, nothing is decided by it.
    public var issuedAt: Int64
    /// The online keys: their signatures on versions count.
    public var keys: [Key]
    /// Who signs the next set; never one of the online keys.
    public var recoveryKey: Key
    /// The keys whose signatures count no more, all of them since the first set.
    public var revoked: [Key]

    /// What is signed with a set: the type of the envelope's payload.
    public static var payloadType: String { "application/vnd.edge-orchestrator.key-set+json" }
    /// The most keys of each kind.
    public static var limitKeys: Int { 256 }

    /// Makes a set.
    public init(number: UInt64, issuedAt: Int64, keys: [Key], recoveryKey: Key, revoked: [Key] = []) {
        self.number = number
        self.issuedAt = issuedAt
        self.keys = keys
        self.recoveryKey = recoveryKey
        self.revoked = revoked
    }

    /// The fingerprints of the revoked keys.
    public var revokedFingerprints: Set<Digest> { Set(revoked.map(\.fingerprint)) }

    /// The JSON text: the payload that is signed.
    public func serialized() -> [UInt8] {
        JSONValue.object([
            "number": .integer(Int64(clamping: number)), "issuedAt": .integer(issuedAt),
            "keys": .array(keys.map { .string($0.pem) }), "recoveryKey": .string(recoveryKey.pem),
            "revoked": .array(revoked.map { .string($0.pem) }),
        ]).serialized()
    }

    /// Reads the payload of a set whose signature holds.
    ///
    /// - Throws: ``KeySetRefusal/malformed(reason:)``; a member that is not known is refused, because it could be a
    ///   restriction.
    public init(parsing payload: [UInt8]) throws(KeySetRefusal) {
        do {
            let limits = JSONLimits(bytes: SignedKeySet<Key>.limitBytes, depth: 4)
            self = try Self(try FieldReader(try JSONValue(parsing: payload, limits: limits)))
        } catch {
            throw .malformed(reason: "\(error)")
        }
    }

    private init(_ fields: FieldReader) throws(FieldFault) {
        try fields.allowOnly(["number", "issuedAt", "keys", "recoveryKey", "revoked"])
        number = try fields.count("number")
        issuedAt = try fields.integer("issuedAt")
        keys = try Self.keys("keys", in: fields)
        recoveryKey = try Self.key(try fields.required("recoveryKey"), "recoveryKey")
        revoked = try Self.keys("revoked", in: fields)
        try check()
    }

    private func check() throws(FieldFault) {
        guard number > 0 else { throw FieldFault("number must be 1 or more") }
        guard !keys.isEmpty else { throw FieldFault("keys must hold at least one key") }
        let trusted = Set(keys.map(\.fingerprint))
        guard !trusted.contains(recoveryKey.fingerprint) else {
            throw FieldFault("recoveryKey must not be one of keys: it stays offline")
        }
        guard !revokedFingerprints.contains(recoveryKey.fingerprint), trusted.isDisjoint(with: revokedFingerprints)
        else { throw FieldFault("a key must not be both trusted and revoked") }
    }

    private static func keys(_ name: String, in fields: FieldReader) throws(FieldFault) -> [Key] {
        let values = try fields.array(name)
        guard values.count <= limitKeys else { throw FieldFault("\(name) must hold at most \(limitKeys) keys") }
        var keys: [Key] = []
        for value in values { keys.append(try key(value, name)) }
        guard Set(keys.map(\.fingerprint)).count == keys.count else { throw FieldFault("\(name) holds a key twice") }
        return keys
    }

    private static func key(_ value: JSONValue, _ name: String) throws(FieldFault) -> Key {
        guard case .string(let pem) = value, let key = Key.read(pem: pem) else {
            throw FieldFault("\(name) must be public keys on P-256 as PEM")
        }
        return key
    }
}
