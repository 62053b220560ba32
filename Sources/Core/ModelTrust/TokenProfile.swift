/// What a token must be to be believed: its type, issuer and audience, and how long it may live.
///
/// Source: RFC 8725; RFC 7519 section 4.1 for the claims.
public struct TokenProfile: Hashable, Sendable {
    /// The declared types that are accepted, compared exactly.
    public let types: Set<String>
    /// Who must have issued it.
    public let issuer: String
    /// Whom it must be for.
    public let audience: String
    /// How long a token may be valid from `nbf` to `exp`, in seconds.
    public let lifetimeSeconds: Int64

    /// Whether it is an OpenID issuer's (see ``openID(issuer:audience:)``).
    public let isOpenID: Bool

    /// How far clocks may differ, in seconds.
    public static let leewaySeconds: Int64 = 60

    /// Makes a profile.
    public init(types: Set<String>, issuer: String, audience: String, lifetimeSeconds: Int64) {
        self.types = types
        self.issuer = issuer
        self.audience = audience
        self.lifetimeSeconds = lifetimeSeconds
        isOpenID = false
    }

    private init(openIDIssuer issuer: String, audience: String) {
        types = ["JWT", "at+jwt"]
        self.issuer = issuer
        self.audience = audience
        lifetimeSeconds = 86_400
        isOpenID = true
    }

    /// The profile of an OpenID issuer's tokens.
    ///
    /// What issuers do differently from ourselves is allowed and no more: RS256 beside ES256, no `typ`, thumbprints of
    /// the key in the header (they are not looked at), and `iat` where there is no `nbf`. At most a day long.
    /// Source: OpenID Connect Core 1.0, sections 2 and 3.1.3.7.
    public static func openID(issuer: String, audience: String) -> TokenProfile {
        TokenProfile(openIDIssuer: issuer, audience: audience)
    }

    /// Checks a token whole: form, signature by one of the keys, type, issuer, audience and times.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: ``TokenRefusal`` with the first thing that is wrong.
    public func claims(
        in text: String, keys: [some TokenKey], now: Int64
    ) throws(TokenRefusal) -> TokenClaims {
        let token =
            isOpenID
            ? try SignedToken(parsing: text, algorithms: [.rs256, .es256], ignoredHeader: ["x5t", "x5t#S256"])
            : try SignedToken(parsing: text)
        guard token.type.map(types.contains) ?? isOpenID else { throw .typeForbidden(token.type ?? "none") }
        try token.requireSigned(by: keys)
        let claims = try TokenClaims(parsing: token.payload, startsWhenIssued: isOpenID)
        guard claims.issuer == issuer else { throw .wrongIssuer(claims.issuer) }
        guard claims.audiences.contains(audience) else { throw .wrongAudience(claims.audiences.first ?? "none") }
        guard claims.expiresAt > claims.notBefore, claims.expiresAt - claims.notBefore <= lifetimeSeconds else {
            throw .claimMalformed("exp")
        }
        guard claims.notBefore - Self.leewaySeconds <= now else {
            throw .notYetValid(notBefore: claims.notBefore, now: now)
        }
        guard now < claims.expiresAt + Self.leewaySeconds else {
            throw .expired(expiresAt: claims.expiresAt, now: now)
        }
        return claims
    }
}

/// What a token says, of which the first five are mandatory.
public struct TokenClaims: Hashable, Sendable {
    /// Who issued it.
    public var issuer: String
    /// About whom.
    public var subject: String
    /// For whom.
    public var audiences: [String]
    /// Until when it holds, in seconds since 1970.
    public var expiresAt: Int64
    /// From when on, in seconds since 1970.
    public var notBefore: Int64
    /// All members by name, these five among them.
    public var members: [String: JSONValue]

    /// Makes claims.
    public init(
        issuer: String, subject: String, audience: String, notBefore: Int64, expiresAt: Int64,
        more: [String: JSONValue] = [:]
    ) {
        self.issuer = issuer
        self.subject = subject
        audiences = [audience]
        self.expiresAt = expiresAt
        self.notBefore = notBefore
        members = more
        members["iss"] = .string(issuer)
        members["sub"] = .string(subject)
        members["aud"] = .string(audience)
        members["nbf"] = .integer(notBefore)
        members["exp"] = .integer(expiresAt)
    }

    /// The JSON text, members sorted by name.
    public func serialized() -> [UInt8] { JSONValue.object(members).serialized() }

    /// Reads the payload of a token whose signature holds.
    ///
    /// - Parameter startsWhenIssued: whether `iat` says from when on it holds where there is no `nbf`.
    /// - Throws: ``TokenRefusal/claimMissing(_:)`` or ``TokenRefusal/claimMalformed(_:)`` naming the claim.
    public init(parsing payload: [UInt8], startsWhenIssued: Bool = false) throws(TokenRefusal) {
        guard let document = try? JSONValue(parsing: payload, limits: JSONLimits(bytes: SignedToken.limitBytes)),
            case .object(let members) = document
        else { throw .malformed(reason: "the payload is not a JSON object") }
        func member(_ name: String) throws(TokenRefusal) -> JSONValue {
            guard let value = members[name] else { throw .claimMissing(name) }
            return value
        }
        func text(_ name: String) throws(TokenRefusal) -> String {
            guard case .string(let text) = try member(name), !text.isEmpty else { throw .claimMalformed(name) }
            return text
        }
        func moment(_ name: String) throws(TokenRefusal) -> Int64 {
            // A bound far beyond any date keeps sums of moments from overflowing.
            guard case .integer(let number) = try member(name), (0..<(1 << 40)).contains(number) else {
                throw .claimMalformed(name)
            }
            return number
        }
        issuer = try text("iss")
        subject = try text("sub")
        switch try member("aud") {
        case .string(let audience): audiences = [audience]
        case .array(let values):
            audiences = []
            for value in values {
                guard case .string(let audience) = value else { throw .claimMalformed("aud") }
                audiences.append(audience)
            }
        default: throw .claimMalformed("aud")
        }
        expiresAt = try moment("exp")
        notBefore = try moment(startsWhenIssued && members["nbf"] == nil ? "iat" : "nbf")
        self.members = members
    }
}
