public import Fleet
public import WireFormat

/// Who asks: every use case that changes something is told, and the audit log keeps it.
public enum Caller: Hashable, Sendable {
    /// A person or machine with an operator's credential.
    case person(Operator)
    /// A device with its own token.
    case device(DeviceID)

    /// An operator whose role is for the whole fleet.
    public static func person(id: String, name: String, role: OperatorRole) -> Caller {
        .person(Operator(id: id, name: name, role: role))
    }

    /// The name in the audit log.
    public var auditName: String {
        switch self {
        case .person(let known): known.name
        case .device(let id): "device:\(id)"
        }
    }

    /// What an operator's role is for; a device's routes are bounded by its identity.
    public var scope: OperatorScope {
        switch self {
        case .person(let known): known.scope
        case .device: .everything
        }
    }

    /// Whether the caller's role permits something.
    public func may(_ permission: OperatorPermission) -> Bool {
        switch self {
        case .person(let known): known.role.permissions.contains(permission)
        case .device: false
        }
    }
}

/// Who operates the controller, as its credential says.
public struct Operator: Hashable, Sendable {
    /// The credential's id.
    public var id: String
    /// The person's or machine's name: whose names are equal is one.
    public var name: String
    /// Whether it is a person.
    public var holder: KeyHolder
    /// What it may do.
    public var role: OperatorRole
    /// For which models and devices.
    public var scope: OperatorScope

    /// Names an operator.
    public init(
        id: String, name: String, holder: KeyHolder = .person, role: OperatorRole, scope: OperatorScope = .everything
    ) {
        self.id = id
        self.name = name
        self.holder = holder
        self.role = role
        self.scope = scope
    }
}

/// Why a bearer credential lets nobody in.
public enum CredentialRefusal: Error, Hashable, Sendable {
    /// Nobody has it, or it was revoked.
    case unknown
    /// It worked once.
    case expired(at: Timestamp)
    /// Fetching the issuer's keys may tell whether it is good.
    case issuerKeysWanted
    /// The issuer's keys are too old, or were never there; nil for the latter.
    case issuerAway(since: Timestamp?)
    /// The issuer's token is not believed; a sentence says why.
    case tokenRefused(String)
    /// The issuer's token is good, and nothing in it gives its holder a role.
    case noRole(name: String)
}

/// What a scope includes or not, by the name that a request gives it.
public enum ScopeSubject: Hashable, Sendable {
    /// A device, by its labels.
    case device(DeviceID)
    /// A model.
    case model(ModelName)
    /// A version, by its model.
    case version(Digest)
    /// A file, by the models of the versions that hold it.
    case artifact(Digest)
    /// A policy: within where every deployment that names it is; the default policy is within no bounds.
    case policy(PolicyName)
    /// A deployment, by its model and its selector.
    case deployment(DeploymentName)
    /// A rollout, by its model and its deployment's selector.
    case rollout(RolloutID)
}
