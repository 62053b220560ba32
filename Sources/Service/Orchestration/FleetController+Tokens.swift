public import Fleet
public import WireFormat

/// Signs short-lived tokens for devices and says whom a signed token belongs to: a port.
public protocol SignedTokens: Sendable {
    /// Signs a token for a device.
    func issue(to device: DeviceID, at now: Timestamp) throws -> DeviceToken

    /// Whom a token belongs to; nil for one that is not believed. Fast.
    func caller(of token: String, at now: Timestamp) -> Caller?

    /// The public keys that devices' tokens are signed with, as a JSON Web Key Set.
    func keySet(at now: Timestamp) throws -> [UInt8]
}

extension FleetController {
    /// Who a signed token belongs to: a device only while it is in service.
    func caller(signedToken token: String) -> Caller? {
        guard let caller = surroundings.tokens?.caller(of: token, at: now) else { return nil }
        guard case .device(let id) = caller else { return caller }
        guard let device = state.devices[id], device.retiredAt == nil, device.askedWith == nil else { return nil }
        return caller
    }

    /// See ``FleetOperations``.
    public func issueToken(to id: DeviceID) throws -> DeviceToken {
        guard let tokens = surroundings.tokens else { throw Problem.noTokens }
        guard let device = state.devices[id], device.retiredAt == nil else { throw Problem.unknownDevice(id) }
        return try tokens.issue(to: id, at: now)
    }

    /// See ``FleetOperations``.
    public func tokenKeys() throws -> [UInt8] {
        guard let tokens = surroundings.tokens else { throw Problem.noTokens }
        return try tokens.keySet(at: now)
    }
}

extension Problem {
    fileprivate static let noTokens = Problem(
        code: "no_tokens", title: "No tokens", status: 404, detail: "this controller signs no tokens")
}
