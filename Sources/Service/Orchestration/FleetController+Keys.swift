import Fleet
import ModelTrust
import Rollouts
public import WireFormat

extension FleetController {
    /// The most operator keys.
    static let keyLimit = 1000

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
        let faults = request.faults
        guard faults.isEmpty else { throw Problem.invalid(faults) }
        let secret = newKeySecret()
        return try transact { draft in
            guard draft.state.apiKeys.count < Self.keyLimit else {
                throw Problem.conflict(
                    "too_many_keys",
                    "there are \(Self.keyLimit) operator keys, expired ones included; remove some first")
            }
            var key = StoredAPIKey(
                id: "key-" + newID(), name: request.name, role: request.role, hash: hash(of: secret),
                createdAt: draft.now)
            key.scope = request.scope.flatMap { $0.isEverything ? nil : $0 }
            key.holder = request.holder ?? .person
            key.expiresAt = request.lifetimeSeconds.map { draft.now.adding(seconds: $0) }
            draft.put(key)
            draft.audit(actor, "key.create", "key/\(key.id)", key.facts)
            return key.resource(secret: secret)
        }
    }

    /// See ``FleetOperations``.
    public func apiKeys() -> [APIKeyResource] {
        state.apiKeys.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }.map { key in
            var shown = key.resource(secret: nil)
            shown.lastUsedAt = keyUses.last(key.id) ?? key.lastUsedAt
            return shown
        }
    }

    /// See ``FleetOperations``.
    public func rotateAPIKey(
        id: String, _ rotation: APIKeyRotation, by caller: Caller
    ) throws -> APIKeyResource {
        let overlap = rotation.overlapSeconds ?? 86_400
        guard (0...2_592_000).contains(overlap) else {
            throw Problem.invalid([
                FieldFault(field: "overlapSeconds", remedy: "use 0 to 2592000 seconds (30 days)")
            ])
        }
        let secret = newKeySecret()
        return try transact { draft in
            guard var key = draft.state.apiKeys[id] else { throw Problem.unknownKey(id) }
            // A key that ends gets as long a life as it had, from now on.
            key.expiresAt = key.expiresAt.map { ends in
                draft.now.adding(seconds: ends.seconds(since: key.rotatedAt ?? key.createdAt))
            }
            key.previousHash = overlap > 0 ? key.hash : nil
            key.previousUntil = overlap > 0 ? draft.now.adding(seconds: overlap) : nil
            key.hash = hash(of: secret)
            key.rotatedAt = draft.now
            draft.put(key)
            draft.audit(
                caller.auditName, "key.rotate", "key/\(id)",
                key.facts.merging(["overlapSeconds": "\(Int(overlap))"]) { $1 })
            return key.resource(secret: secret)
        }
    }

    /// See ``FleetOperations``.
    public func removeAPIKey(id: String, by caller: Caller) throws {
        try transact { draft in
            guard let key = draft.state.apiKeys.removeValue(forKey: id) else { throw Problem.unknownKey(id) }
            guard !key.isLastingAdmin || draft.state.apiKeys.values.contains(where: \.isLastingAdmin) else {
                throw Problem.conflict(
                    "last_admin_key",
                    "\(id) is the last admin key that does not expire; make another one first")
            }
            draft.changesCredentials = true
            draft.add(.apiKeyRemoved(id: id))
            draft.audit(caller.auditName, "key.remove", "key/\(id)", ["name": key.name])
        }
    }

    private func newKeySecret() -> String { "eok_" + Base64.url.encode(surroundings.cryptography.randomBytes(32)) }

    private func hash(of secret: String) -> Digest { surroundings.cryptography.digest(Array(secret.utf8)) }
}

extension FleetDraft {
    fileprivate mutating func put(_ key: StoredAPIKey) {
        state.apiKeys[key.id] = key
        changesCredentials = true
        add(.apiKey(key))
    }
}

extension Problem {
    fileprivate static func unknownKey(_ id: String) -> Problem {
        .unknown("key", id, "`edgectl apikey list` shows the keys")
    }
}

extension APIKeyRequest {
    /// All that is wrong with a request.
    fileprivate var faults: [FieldFault] {
        var faults: [FieldFault] = []
        let isPrintable = name.unicodeScalars.allSatisfy { !$0.properties.generalCategory.isControl }
        // Such names would read in the audit log as somebody else's.
        let isTaken = name.hasPrefix("device:") || ["controller", "init"].contains(name.lowercased())
        if !(1...100).contains(name.count) || !isPrintable || isTaken {
            faults.append(
                FieldFault(
                    field: "name",
                    remedy: "name the person or machine, 1 to 100 printable characters, not controller or init"))
        }
        if let lifetimeSeconds, !(300...157_680_000).contains(lifetimeSeconds) {
            faults.append(
                FieldFault(field: "lifetimeSeconds", remedy: "use 300 to 157680000 seconds (5 years), or leave it out"))
        }
        if let scope {
            if !scope.isEverything, !role.canBeScoped {
                faults.append(
                    FieldFault(
                        field: "scope", remedy: "the role \(role.rawValue) is for the whole fleet; leave the scope out")
                )
            }
            if scope.models.count > OperatorScope.patternLimit {
                faults.append(
                    FieldFault(field: "scope.models", remedy: "name at most \(OperatorScope.patternLimit) patterns"))
            }
        }
        return faults
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isControl: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}

extension StoredAPIKey {
    /// An admin key that will not end by itself: one of them is always kept.
    fileprivate var isLastingAdmin: Bool { role == .admin && expiresAt == nil }

    /// What the audit log keeps of it.
    fileprivate var facts: [String: String] {
        var facts = ["name": name, "role": role.rawValue, "holder": (holder ?? .person).rawValue]
        facts["scope"] = scope?.description
        facts["expiresAt"] = expiresAt?.description
        return facts
    }

    fileprivate func resource(secret: String?) -> APIKeyResource {
        var shown = APIKeyResource(id: id, name: name, role: role, createdAt: createdAt, secret: secret)
        shown.scope = scope
        shown.holder = holder ?? .person
        shown.expiresAt = expiresAt
        shown.rotatedAt = rotatedAt
        shown.previousUntil = previousUntil
        shown.lastUsedAt = lastUsedAt
        return shown
    }
}
