import Fleet
import ModelTrust
import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func createToken(_ request: EnrolmentTokenRequest, by caller: Caller) throws -> EnrolmentTokenResource {
        let lifetime = request.lifetimeSeconds ?? 3600
        let uses = request.uses ?? 1
        var faults: [FieldFault] = []
        if !(60...259_200).contains(lifetime) {
            faults.append(FieldFault(field: "lifetimeSeconds", remedy: "use 60 to 259200 seconds (72 hours)"))
        }
        if !(1...100_000).contains(uses) { faults.append(FieldFault(field: "uses", remedy: "use 1 to 100000")) }
        guard faults.isEmpty else { throw Problem.invalid(faults) }
        let secret = Base64.url.encode(surroundings.cryptography.randomBytes(32))
        return try transact { draft in
            let token = StoredToken(
                id: "tok-" + newID(), hash: surroundings.cryptography.digest(Array(secret.utf8)),
                expiresAt: draft.now.adding(seconds: lifetime), usesLeft: uses, labels: request.labels ?? Labels())
            draft.state.tokens[token.id] = token
            draft.add(.token(token))
            draft.audit(
                caller.auditName, "token.create", "token/\(token.id)",
                ["uses": "\(uses)", "expiresAt": token.expiresAt.description])
            return token.resource(secret: secret)
        }
    }

    /// See ``FleetOperations``.
    public func tokens() -> [EnrolmentTokenResource] {
        let now = now
        return state.tokens.values.filter { $0.usesLeft > 0 && $0.expiresAt > now }
            .sorted { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }.map { $0.resource(secret: nil) }
    }

    /// See ``FleetOperations``.
    public func createAPIKey(_ request: APIKeyRequest, by caller: Caller) throws -> APIKeyResource {
        try createAPIKey(request, actor: caller.auditName)
    }

    /// Makes the first admin key of an empty controller.
    ///
    /// - Throws: a conflict where keys exist already.
    public func createFirstAPIKey(name: String) throws -> APIKeyResource {
        guard !hasOperators else {
            throw Problem.conflict(
                "initialised", "operator keys exist already; an admin makes more with `edgectl apikey create`")
        }
        return try createAPIKey(APIKeyRequest(name: name, role: .admin), actor: "init")
    }

    /// Whether anybody can operate the controller: it has at least one operator key.
    public var hasOperators: Bool { !state.apiKeys.isEmpty }

    private func createAPIKey(_ request: APIKeyRequest, actor: String) throws -> APIKeyResource {
        guard (1...100).contains(request.name.count) else {
            throw Problem.invalid([FieldFault(field: "name", remedy: "name the person or machine, 1 to 100 characters")]
            )
        }
        let secret = "eok_" + Base64.url.encode(surroundings.cryptography.randomBytes(32))
        return try transact { draft in
            let key = StoredAPIKey(
                id: "key-" + newID(), name: request.name, role: request.role,
                hash: surroundings.cryptography.digest(Array(secret.utf8)), createdAt: draft.now)
            draft.state.apiKeys[key.id] = key
            draft.changesCredentials = true
            draft.add(.apiKey(key))
            draft.audit(actor, "key.create", "key/\(key.id)", ["name": key.name, "role": key.role.rawValue])
            return key.resource(secret: secret)
        }
    }

    /// See ``FleetOperations``.
    public func apiKeys() -> [APIKeyResource] {
        state.apiKeys.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }.map { $0.resource(secret: nil) }
    }

    /// See ``FleetOperations``.
    public func removeAPIKey(id: String, by caller: Caller) throws {
        try transact { draft in
            guard let key = draft.state.apiKeys.removeValue(forKey: id) else {
                throw Problem.unknown("key", id, "`edgectl apikey list` shows the keys")
            }
            guard key.role != .admin || draft.state.apiKeys.values.contains(where: { $0.role == .admin }) else {
                throw Problem.conflict("last_admin_key", "\(id) is the last admin key; make another one first")
            }
            draft.changesCredentials = true
            draft.add(.apiKeyRemoved(id: id))
            draft.audit(caller.auditName, "key.remove", "key/\(id)", ["name": key.name])
        }
    }

    /// Sixteen hexadecimal digits that nobody can guess.
    func newID() -> String {
        surroundings.cryptography.randomBytes(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

extension StoredToken {
    fileprivate func resource(secret: String?) -> EnrolmentTokenResource {
        EnrolmentTokenResource(id: id, expiresAt: expiresAt, usesLeft: usesLeft, labels: labels, secret: secret)
    }
}

extension StoredAPIKey {
    fileprivate func resource(secret: String?) -> APIKeyResource {
        APIKeyResource(id: id, name: name, role: role, createdAt: createdAt, secret: secret)
    }
}
