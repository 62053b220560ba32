public import Fleet
public import Orchestration
public import WireFormat

/// Who a credential belongs to, as `GET /v1/whoami` tells it.
public struct CallerResource: Codable, Hashable, Sendable {
    /// Whose credentials there are.
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// A person or machine with an operator key.
        case person
        /// A device with its own token.
        case device
    }

    /// Whose credential it is.
    public var kind: Kind
    /// The operator key's id; nil for a device.
    public var key: String?
    /// The person's or machine's name; nil for a device.
    public var name: String?
    /// What the operator key may do; nil for a device.
    public var role: OperatorRole?
    /// Whether a person or a machine holds the operator key; nil for a device.
    public var holder: KeyHolder?
    /// For which models and devices; nil for all.
    public var scope: OperatorScope?
    /// The device; nil for a person.
    public var device: DeviceID?

    /// Describes a caller.
    public init(_ caller: Caller) {
        switch caller {
        case .person(let known):
            kind = .person
            key = known.id
            name = known.name
            role = known.role
            holder = known.holder
            scope = known.scope.isEverything ? nil : known.scope
        case .device(let id):
            kind = .device
            device = id
        }
    }
}
