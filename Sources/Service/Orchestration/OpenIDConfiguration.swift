public import ModelTrust
public import WireFormat

/// Which issuer's tokens are believed, for whom they must be, and what roles their claims give.
public struct OpenIDConfiguration: Codable, Hashable, Sendable {
    /// One rule that gives a role; the first that fits counts.
    public struct Rule: Codable, Hashable, Sendable {
        /// The claim, such as `groups`; points lead into objects, as in `realm_access.roles`.
        public var claim: String
        /// The text that the claim must be, or have among its texts.
        public var value: String
        /// The role that it gives.
        public var role: OperatorRole
        /// For which models and devices; nil for all.
        public var scope: OperatorScope?
        /// Whether such tokens are machines'; nil for people's.
        public var holder: KeyHolder?
    }

    /// The issuer: exactly its `iss`, an https URL (http on the own machine only).
    public var issuer: String
    /// What must be in `aud`.
    public var audience: String
    /// The claim that names the person; nil for `sub`.
    public var nameClaim: String?
    /// PEM file of the authorities that the issuer's certificate must lead to; nil for the system's.
    public var caFile: String?
    /// The rules, in their order.
    public var roles: [Rule]

    /// What is wrong with it, one sentence each.
    public var faults: [String] {
        var faults: [String] = []
        let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { issuer.hasPrefix($0) }
        if !issuer.hasPrefix("https://"), !isLocal {
            faults.append("issuer: use an https URL, exactly as the issuer's tokens name it")
        }
        if audience.isEmpty { faults.append("audience: name what the issuer's tokens for this controller are for") }
        if roles.isEmpty { faults.append("roles: name at least one rule, or nobody gets in") }
        for (index, rule) in roles.enumerated() {
            if rule.claim.isEmpty || rule.value.isEmpty { faults.append("roles[\(index)]: name a claim and a value") }
            if rule.scope?.isEverything == false, !rule.role.canBeScoped {
                faults.append("roles[\(index)]: the role \(rule.role.rawValue) has no scope; leave it out")
            }
        }
        return faults
    }

    /// Members of a document that mean nothing here: a bound that is misspelt must not be none.
    public static func unknownMembers(in document: JSONValue) -> [String] {
        func unknown(_ value: JSONValue?, _ known: Set<String>, at place: String) -> [String] {
            guard case .object(let members)? = value else { return [] }
            return members.keys.filter { !known.contains($0) }.sorted().map { place + $0 }
        }
        func member(_ name: String, of value: JSONValue) -> JSONValue? {
            if case .object(let members) = value { members[name] } else { nil }
        }
        var found = unknown(document, ["issuer", "audience", "nameClaim", "caFile", "roles"], at: "")
        guard case .array(let rules)? = member("roles", of: document) else { return found }
        for (index, rule) in rules.enumerated() {
            let place = "roles[\(index)]."
            found += unknown(rule, ["claim", "value", "role", "scope", "holder"], at: place)
            found += unknown(member("scope", of: rule), ["models", "selector"], at: place + "scope.")
        }
        return found
    }

    /// Whom a believed token lets in.
    ///
    /// - Throws: ``CredentialRefusal`` where it names nobody or gives no role.
    func holder(of claims: TokenClaims) throws(CredentialRefusal) -> Operator {
        let claim = nameClaim ?? "sub"
        guard case .string(let name)? = claims.value(at: claim), (1...100).contains(name.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }), !name.hasPrefix("device:")
        else { throw .tokenRefused("its claim \(claim) names nobody") }
        // An address that the issuer has not verified may be anybody's.
        if claim == "email", let verified = claims.members["email_verified"], verified != .bool(true) {
            throw .tokenRefused("its email is not verified")
        }
        guard let rule = roles.first(where: { $0.fits(claims) }) else { throw .noRole(name: name) }
        return Operator(
            id: "oidc:\(claims.subject)", name: name, holder: rule.holder ?? .person, role: rule.role,
            scope: rule.scope ?? .everything)
    }
}

extension OpenIDConfiguration.Rule {
    fileprivate func fits(_ claims: TokenClaims) -> Bool {
        switch claims.value(at: claim) {
        case .string(let text): text == value
        case .array(let values): values.contains(.string(value))
        default: false
        }
    }
}

extension TokenClaims {
    /// The claim of that name, or what points in the name lead to.
    fileprivate func value(at name: String) -> JSONValue? {
        if let value = members[name] { return value }
        var value = JSONValue.object(members)
        for part in name.split(separator: ".") {
            guard case .object(let members) = value, let inner = members[String(part)] else { return nil }
            value = inner
        }
        return value
    }
}
