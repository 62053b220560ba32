public import Fleet

/// Why a set of publisher keys was not followed.
public enum KeySetRefusal: TrustRefusal {
    /// The text is no signed key set.
    case malformed(reason: String)
    /// No recovery key was pinned when the device was enrolled, so nobody can change the keys it trusts.
    case noRecoveryKey
    /// The recovery key that is trusted here did not sign the set.
    case unknownSigner([Digest])
    /// The recovery key is named as the signer, but did not make the signature.
    case signatureInvalid(key: Digest)
    /// The set hands over to another recovery key, which did not sign it: nobody may hold that key.
    case successorNotSigned(key: Digest)
    /// The set is not newer than the one that is followed.
    case rollback(followed: UInt64, offered: UInt64)
    /// A set in between is missing.
    case skipped(followed: UInt64, offered: UInt64)
    /// The set trusts a key that an earlier one revoked.
    case revivesRevoked(key: Digest)

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .malformed: "key_set_malformed"
        case .noRecoveryKey: "key_set_no_recovery_key"
        case .unknownSigner: "key_set_unknown_signer"
        case .signatureInvalid: "key_set_signature_invalid"
        case .successorNotSigned: "key_set_successor_not_signed"
        case .rollback: "key_set_rollback"
        case .skipped: "key_set_skipped"
        case .revivesRevoked: "key_set_revives_revoked"
        }
    }

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .malformed(let reason): "The key set cannot be read: \(reason)."
        case .noRecoveryKey:
            "No recovery key was pinned here, so no key set can be followed. "
                + "Enrol again with a token that names the recovery key."
        case .unknownSigner(let keys):
            "The key set is signed by \(keys.isEmpty ? "nobody" : keys.map(\.short).joined(separator: ", ")), "
                + "not by the recovery key that is trusted here."
        case .signatureInvalid(let key):
            "The key set's signature is not that of recovery key \(key.short). The set was changed after signing."
        case .successorNotSigned(let key):
            "The key set hands over to recovery key \(key.short), which did not sign it. Sign it with both."
        case .rollback(let followed, let offered):
            "The key set has number \(offered), and \(followed) is followed here; key sets never go back."
        case .skipped(let followed, let offered):
            "The key set has number \(offered), and \(followed) is followed here; "
                + "number \(followed &+ 1) must come first."
        case .revivesRevoked(let key):
            "The key set trusts \(key.short), which an earlier one revoked; a revoked key never comes back."
        }
    }
}
