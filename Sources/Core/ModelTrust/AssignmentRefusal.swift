public import Fleet

/// Why a signed assignment was not accepted.
public enum AssignmentRefusal: TrustRefusal {
    /// The text is longer than any assignment.
    case tooLarge(bytes: Int)
    /// The text is no compact JWS.
    case malformed(reason: String)
    /// The header asks for another algorithm than ES256.
    case algorithmForbidden(String)
    /// The text is signed for another purpose.
    case typeForbidden(String)
    /// The header holds a member that may change how the signature is checked.
    case headerForbidden(String)
    /// No trusted key is the one that the header names.
    case unknownKey(String)
    /// No trusted key made this signature.
    case signatureInvalid
    /// The signed content is no assignment.
    case claimsMalformed(reason: String)
    /// The assignment is another device's.
    case wrongDevice(expected: DeviceID, actual: DeviceID)
    /// The assignment was issued after now: one of the clocks is wrong.
    case notYetValid(issuedAt: Int64, now: Int64)
    /// The assignment is too old to install by; what runs goes on running.
    case expired(expiresAt: Int64, now: Int64)

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .tooLarge: "assignment_too_large"
        case .malformed: "assignment_malformed"
        case .algorithmForbidden: "assignment_algorithm_forbidden"
        case .typeForbidden: "assignment_type_forbidden"
        case .headerForbidden: "assignment_header_forbidden"
        case .unknownKey: "assignment_unknown_key"
        case .signatureInvalid: "assignment_signature_invalid"
        case .claimsMalformed: "assignment_claims_malformed"
        case .wrongDevice: "assignment_wrong_device"
        case .notYetValid: "assignment_not_yet_valid"
        case .expired: "assignment_expired"
        }
    }

    /// Every code, in the order of the cases.
    public static let codes = [
        "assignment_too_large", "assignment_malformed", "assignment_algorithm_forbidden", "assignment_type_forbidden",
        "assignment_header_forbidden", "assignment_unknown_key", "assignment_signature_invalid",
        "assignment_claims_malformed", "assignment_wrong_device", "assignment_not_yet_valid", "assignment_expired",
    ]

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .tooLarge(let bytes):
            "The assignment has \(bytes) bytes; at most \(CompactJWS.limitBytes) are read."
        case .malformed(let reason): "The assignment is not a compact JWS: \(reason)."
        case .algorithmForbidden(let name): "The assignment is signed with \(name.prefix(40)); only ES256 is accepted."
        case .typeForbidden(let type):
            "The signed text is of type \(type.prefix(40)), not \(AssignmentClaims.tokenType)."
        case .headerForbidden(let name): "The assignment's header holds \(name.prefix(40)), which is not allowed."
        case .unknownKey(let key):
            "The assignment is signed by key \(key.prefix(12)), which is not pinned here. Enrol the device again."
        case .signatureInvalid: "The assignment's signature is not that of the pinned assignment key."
        case .claimsMalformed(let reason): "The assignment's content cannot be used: \(reason)."
        case .wrongDevice(let expected, let actual):
            "The assignment is for device \(actual), and this is device \(expected)."
        case .notYetValid(let issuedAt, let now):
            "The assignment was issued at \(issuedAt), \(issuedAt - now) s in this device's future. Check the clocks."
        case .expired(let expiresAt, let now):
            "The assignment expired \(now - expiresAt) s ago; nothing is installed until a fresh one arrives."
        }
    }
}
