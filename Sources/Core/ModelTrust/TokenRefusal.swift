/// Why a token was not believed; never with the token.
public enum TokenRefusal: TrustRefusal {
    /// The text is longer than any token.
    case tooLarge(bytes: Int)
    /// The text is no compact JWS.
    case malformed(reason: String)
    /// The header asks for an algorithm that is not on the list, or not the key's.
    case algorithmForbidden(String)
    /// The token is of another type.
    case typeForbidden(String)
    /// The header holds a member that may change how the signature is checked.
    case headerForbidden(String)
    /// No key is the one that the header names.
    case unknownKey(String)
    /// The named key did not make this signature.
    case signatureInvalid
    /// A mandatory claim is missing.
    case claimMissing(String)
    /// A claim has a value that it cannot have.
    case claimMalformed(String)
    /// Somebody else issued it.
    case wrongIssuer(String)
    /// It is for somebody else.
    case wrongAudience(String)
    /// It holds no more.
    case expired(expiresAt: Int64, now: Int64)
    /// It does not hold yet.
    case notYetValid(notBefore: Int64, now: Int64)

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .tooLarge: "token_too_large"
        case .malformed: "token_malformed"
        case .algorithmForbidden: "token_algorithm_forbidden"
        case .typeForbidden: "token_type_forbidden"
        case .headerForbidden: "token_header_forbidden"
        case .unknownKey: "token_unknown_key"
        case .signatureInvalid: "token_signature_invalid"
        case .claimMissing: "token_claim_missing"
        case .claimMalformed: "token_claim_malformed"
        case .wrongIssuer: "token_wrong_issuer"
        case .wrongAudience: "token_wrong_audience"
        case .expired: "token_expired"
        case .notYetValid: "token_not_yet_valid"
        }
    }

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .tooLarge(let bytes): "The token has \(bytes) bytes; at most \(SignedToken.limitBytes) are read."
        case .malformed(let reason): "The token is not a compact JWS: \(reason)."
        case .algorithmForbidden(let name):
            "The token is signed with \(name.prefix(40)); that is not accepted here, or not with this key."
        case .typeForbidden(let type): "The token is of type \(type.prefix(40)), which is not accepted here."
        case .headerForbidden(let name): "The token's header holds \(name.prefix(40)), which is not allowed."
        case .unknownKey(let key): "The token is signed by key \(key.prefix(40)), which is not known here."
        case .signatureInvalid: "The token's signature is not that of the key it names."
        case .claimMissing(let name): "The token does not say its \(name)."
        case .claimMalformed(let name): "The token's \(name) cannot be used."
        case .wrongIssuer(let issuer): "The token is of issuer \(issuer.prefix(100)), which is not accepted here."
        case .wrongAudience(let audience): "The token is for \(audience.prefix(100)), not for this controller."
        case .expired(let expiresAt, let now): "The token expired \(now - expiresAt) s ago; get a new one."
        case .notYetValid(let notBefore, let now):
            "The token holds in \(notBefore - now) s; one of the clocks is wrong."
        }
    }
}
