public import Fleet
import ModelTrust
import Rollouts
public import WireFormat

/// What a device's credential is used for.
public enum DeviceUse: Hashable, Sendable {
    /// Anything that the bearer token from its enrolment opens.
    case bearerToken
    /// Anything that another credential opens, or a certificate.
    case anything
    /// A file of a version.
    case artifact
}

extension FleetController {
    /// See ``FleetOperations``.
    public func bar(on id: DeviceID, using use: DeviceUse) -> Problem? {
        guard let device = state.devices[id] else { return nil }
        if let bar = device.bar { return .barred(id, bar) }
        switch use {
        case .anything: return nil
        case .artifact: return device.standing.map { .barred(id, $0) }
        case .bearerToken: return device.leftBearerToken == true ? .tokenLeft(id) : nil
        }
    }

    /// See ``FleetOperations``.
    public func decide(_ decision: DeviceDecision, on id: DeviceID, by caller: Caller) throws -> DeviceResource {
        let reason = try decision.reason.asReason
        try transact { draft in
            guard var device = draft.state.devices[id], device.retiredAt == nil else { throw Problem.unknownDevice(id) }
            let now = draft.now
            func stands(_ kind: DeviceStanding.Kind) -> DeviceStanding {
                DeviceStanding(kind, reason: reason, since: now, by: caller.auditName)
            }
            switch (decision.decision, device.standing?.kind) {
            case (.approve, .awaitingApproval), (.approve, .rejected): device.standing = stands(.approved)
            case (.approve, .quarantined):
                device.standing = nil
                draft.released.insert(id)
            case (.reject, .awaitingApproval), (.reject, .approved): device.standing = stands(.rejected)
            case (.revoke, nil), (.revoke, .quarantined): device.standing = stands(.revoked)
            case (.retry, nil):
                try draft.tryAgain(id)
                device = draft.state.devices[id] ?? device
            case (.revoke, .revoked): return
            case (let verb, let kind):
                throw Problem.conflict(
                    "device_not_so",
                    "\(verb.rawValue) does not fit device \(id), which is "
                        + "\(kind?.rawValue ?? "in good standing"); `edgectl device show \(id)` says more")
            }
            draft.put(device)
            draft.audit(
                caller.auditName, "device.\(decision.decision.rawValue)", "device/\(id)", ["reason": reason])
            if decision.decision == .revoke { draft.leaveRollouts(id) }
            if device.isEligible {
                draft.reconcile(id)
                draft.catchUp(id)
            }
        }
        return try device(id)
    }

    /// See ``FleetOperations``.
    public func replace(
        _ id: DeviceID, _ request: DeviceReplacement, by caller: Caller
    ) throws -> EnrolmentTokenResource {
        let reason = try request.reason.asReason
        let lifetime = request.lifetimeSeconds ?? 3600
        guard (60...259_200).contains(lifetime) else {
            throw Problem.invalid([
                FieldFault(field: "lifetimeSeconds", remedy: "use 60 to 259200 seconds (72 hours)")
            ])
        }
        let secret = Base64.url.encode(surroundings.cryptography.randomBytes(32))
        return try transact { draft in
            guard var device = draft.state.devices[id], device.retiredAt == nil, device.askedWith == nil else {
                throw Problem.unknownDevice(id)
            }
            var token = StoredToken(
                id: "tok-" + newID(), hash: surroundings.cryptography.digest(Array(secret.utf8)),
                expiresAt: draft.now.adding(seconds: lifetime), usesLeft: 1, labels: device.labels)
            token.replaces = id
            // A token of an earlier request would be a second board's.
            for var other in draft.state.tokens.values where other.replaces == id && other.usesLeft > 0 {
                other.usesLeft = 0
                draft.state.tokens[other.id] = other
                draft.add(.token(other))
            }
            draft.state.tokens[token.id] = token
            draft.add(.token(token))
            device.standing = DeviceStanding(.replacing, reason: reason, since: draft.now, by: caller.auditName)
            draft.put(device)
            draft.audit(
                caller.auditName, "device.replace", "device/\(id)", ["reason": reason, "token": token.id])
            draft.leaveRollouts(id)
            return token.resource(secret: secret)
        }
    }
}

extension FleetDraft {
    /// A device is no part of any experiment from now on.
    mutating func leaveRollouts(_ id: DeviceID) {
        eachActiveRollout { rollout, now in rollout.deviceRetired(id, at: now) }
    }

    /// Quarantines a device whose identity two machines use.
    mutating func noticeTwin(_ one: DrainedDevice) {
        guard let twin = one.twin, var device = state.devices[one.device], device.retiredAt == nil,
            device.standing == nil
        else { return }
        device.standing = DeviceStanding(
            .quarantined, reason: "two machines use this identity: \(twin.rawValue)", since: now, by: "controller")
        put(device)
        audit("controller", "device.quarantine", "device/\(device.id)", ["reason": twin.rawValue])
        eachActiveRollout { rollout, now in rollout.deviceSetAside(device.id, at: now) }
    }
}

extension StoredDevice {
    /// Why its credentials open nothing; nil where they do.
    var bar: DeviceStanding? {
        switch standing?.kind {
        case nil, .quarantined: nil
        case .awaitingApproval, .approved, .rejected, .revoked, .replacing: standing
        }
    }

    /// In service and in good standing: a new version may reach it.
    var isEligible: Bool { retiredAt == nil && standing == nil }

    /// Whether it is counted among the devices that should be heard.
    var isInService: Bool { retiredAt == nil && bar == nil }
}

extension String {
    /// This as a person's reason.
    var asReason: String {
        get throws {
            let words = split(whereSeparator: \.isWhitespace)
            guard !words.isEmpty, count <= 500 else {
                throw Problem.invalid([FieldFault(field: "reason", remedy: "say why, in 1 to 500 characters")])
            }
            return self
        }
    }
}
