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
        faults += request.listFaults
        guard faults.isEmpty else { throw Problem.invalid(faults) }
        let secret = Base64.url.encode(surroundings.cryptography.randomBytes(32))
        return try transact { draft in
            var token = StoredToken(
                id: "tok-" + newID(), hash: surroundings.cryptography.digest(Array(secret.utf8)),
                expiresAt: draft.now.adding(seconds: lifetime), usesLeft: uses, labels: request.labels ?? Labels())
            token.approval = request.approval
            token.devices = request.devices
            token.deviceKeys = request.deviceKeys
            draft.state.tokens[token.id] = token
            draft.add(.token(token))
            draft.audit(
                caller.auditName, "token.create", "token/\(token.id)",
                [
                    "uses": "\(uses)", "expiresAt": token.expiresAt.description,
                    "approval": (token.approval ?? .automatic).rawValue,
                ])
            return token.resource(secret: secret)
        }
    }

    /// See ``FleetOperations``.
    public func tokens() -> [EnrolmentTokenResource] {
        let now = now
        return state.tokens.values.filter { $0.usesLeft > 0 && $0.expiresAt > now }
            .sorted { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }.map { $0.resource(secret: nil) }
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
    func resource(secret: String?) -> EnrolmentTokenResource {
        var shown = EnrolmentTokenResource(
            id: id, expiresAt: expiresAt, usesLeft: usesLeft, labels: labels, secret: secret)
        shown.approval = approval
        shown.replaces = replaces
        return shown
    }
}
