public import Fleet

/// Whose signatures count here, and who may change that: pinned at enrolment, moved only by signed key sets.
public struct PublisherTrust<Key: PEMKey>: Sendable {
    /// The keys whose signatures on versions count.
    public private(set) var keys: [Key]
    /// The keys whose signatures counted once and are refused since.
    public private(set) var revoked: [Key]
    /// The key that must have signed the next key set, by fingerprint; nil where none was pinned.
    public private(set) var recoveryKey: Digest?
    /// The number of the key set that is followed; 0 before the first.
    public private(set) var number: UInt64

    /// Begins with what was pinned, or with what was followed before.
    public init(keys: [Key], revoked: [Key] = [], recoveryKey: Digest?, number: UInt64) {
        self.keys = keys
        self.revoked = revoked
        self.recoveryKey = recoveryKey
        self.number = number
    }

    /// Begins a chain by the first set's own word for its recovery key: for whoever keeps a chain and pins nothing.
    ///
    /// - Throws: ``KeySetRefusal/malformed(reason:)``.
    public init(beginning text: [UInt8]) throws(KeySetRefusal) {
        let first = try PublisherKeySet<Key>(parsing: try SignedKeySet<Key>(parsing: text).payload)
        self.init(keys: [], recoveryKey: first.recoveryKey.fingerprint, number: 0)
    }

    /// Follows the next key set and returns it; after a refusal nothing has changed.
    ///
    /// Nothing of the set is parsed before the trusted recovery key's signature holds.
    ///
    /// - Throws: ``KeySetRefusal`` with the first thing that is wrong.
    @discardableResult
    public mutating func follow(_ text: [UInt8]) throws(KeySetRefusal) -> PublisherKeySet<Key> {
        guard let recoveryKey else { throw .noRecoveryKey }
        let signed = try SignedKeySet<Key>(parsing: text)
        guard let holds = signed.isSigned(by: recoveryKey) else {
            throw .unknownSigner(signed.signatures.map(\.key.fingerprint))
        }
        guard holds else { throw .signatureInvalid(key: recoveryKey) }
        let set = try PublisherKeySet<Key>(parsing: signed.payload)
        guard set.number > number else { throw .rollback(followed: number, offered: set.number) }
        guard set.number == number + 1 else { throw .skipped(followed: number, offered: set.number) }
        let successor = set.recoveryKey.fingerprint
        guard successor == recoveryKey || signed.isSigned(by: successor) == true else {
            throw .successorNotSigned(key: successor)
        }
        let gone = set.revokedFingerprints.union(revoked.map(\.fingerprint))
        for key in set.keys + [set.recoveryKey] where gone.contains(key.fingerprint) {
            throw .revivesRevoked(key: key.fingerprint)
        }
        keys = set.keys
        revoked = set.revoked + revoked.filter { !set.revokedFingerprints.contains($0.fingerprint) }
        self.recoveryKey = successor
        number = set.number
        return set
    }
}
