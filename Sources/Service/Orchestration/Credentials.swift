public import Fleet
import Synchronization
import WireFormat

/// What a secret opens.
struct Credential: Sendable {
    /// Whose it is.
    let caller: Caller
    /// Until when it works; nil for as long as it is not revoked.
    let until: Timestamp?
}

/// When operator keys were last used: kept in memory, and stored by ticks, so that no request waits for a database.
final class KeyUses: Sendable {
    /// How exactly a use is kept, in seconds: five minutes.
    static let grainSeconds = 300.0

    private let uses = Mutex<[String: Timestamp]>([:])

    /// A key was used.
    func note(_ key: String, at now: Timestamp) {
        uses.withLock { $0[key] = now }
    }

    /// When a key was last used since the start of this process.
    func last(_ key: String) -> Timestamp? { uses.withLock { $0[key] } }

    /// The keys whose stored use is older than the grain, with their use.
    func due(_ keys: [String: StoredAPIKey]) -> [(key: StoredAPIKey, at: Timestamp)] {
        uses.withLock { uses in
            // A key that was revoked is forgotten here too.
            uses = uses.filter { keys[$0.key] != nil }
            return uses.compactMap { id, at in
                guard let key = keys[id] else { return nil }
                let isDue = key.lastUsedAt.map { at.seconds(since: $0) >= Self.grainSeconds } ?? true
                return isDue ? (key, at) : nil
            }
        }
    }
}

extension FleetState {
    /// Every secret that opens something, by its hash.
    var credentials: [Digest: Credential] {
        var credentials: [Digest: Credential] = [:]
        for device in devices.values where device.retiredAt == nil && device.askedWith == nil {
            credentials[device.tokenHash] = Credential(caller: .device(device.id), until: nil)
        }
        for key in apiKeys.values {
            let caller = Caller.person(key.holderOfIt)
            credentials[key.hash] = Credential(caller: caller, until: key.expiresAt)
            if let previous = key.previousHash, let until = key.previousUntil {
                credentials[previous] = Credential(caller: caller, until: min(until, key.expiresAt ?? until))
            }
        }
        return credentials
    }
}

extension StoredAPIKey {
    /// Whom the key lets in.
    var holderOfIt: Operator {
        Operator(id: id, name: name, holder: holder ?? .person, role: role, scope: scope ?? .everything)
    }
}

extension FleetDraft {
    /// Keeps when keys were used, at most once in five minutes for each.
    mutating func noteUses(_ uses: KeyUses) {
        for (key, at) in uses.due(state.apiKeys) {
            var used = key
            used.lastUsedAt = at
            state.apiKeys[used.id] = used
            add(.apiKey(used))
        }
    }
}

extension FleetController {
    /// See ``FleetOperations``.
    public func authenticate(bearer: String) throws(CredentialRefusal) -> Caller {
        if DeviceToken.isSigned(bearer) {
            if let caller = caller(signedToken: bearer) { return caller }
            guard let issuer = surroundings.issuer else { throw .unknown }
            return try issuer.caller(of: bearer, at: now)
        }
        let hash = surroundings.cryptography.digest(Array(bearer.utf8))
        guard let credential = credentials.withLock({ $0[hash] }) else { throw .unknown }
        let now = now
        if let until = credential.until, until <= now { throw .expired(at: until) }
        if case .person(let known) = credential.caller { keyUses.note(known.id, at: now) }
        return credential.caller
    }

    /// See ``FleetOperations``.
    public func refreshIssuer() { surroundings.issuer?.refresh(at: now) }

    /// Who a bearer credential belongs to; nil for nobody.
    public func caller(bearer: String) -> Caller? { try? authenticate(bearer: bearer) }

    /// See ``FleetOperations``.
    public func caller(device id: DeviceID, certificateKey: Digest) -> Caller? {
        guard let device = state.devices[id], device.retiredAt == nil, device.askedWith == nil,
            device.certificateKey == certificateKey
        else { return nil }
        return .device(id)
    }
}
