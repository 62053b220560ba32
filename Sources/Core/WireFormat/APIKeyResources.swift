public import Fleet

/// Asks for an operator API key.
public struct APIKeyRequest: Codable, Hashable, Sendable {
    /// The person or machine it is for.
    public var name: String
    /// What it may do.
    public var role: OperatorRole
    /// For which models and devices; nil for all.
    public var scope: OperatorScope?
    /// Whether it is for a person or a machine; nil for a person.
    public var holder: KeyHolder?
    /// How long it works, seconds, in 300...157680000 (5 years); nil for as long as nobody revokes it.
    public var lifetimeSeconds: Double?

    /// Makes a request.
    public init(
        name: String, role: OperatorRole, scope: OperatorScope? = nil, holder: KeyHolder? = nil,
        lifetimeSeconds: Double? = nil
    ) {
        self.name = name
        self.role = role
        self.scope = scope
        self.holder = holder
        self.lifetimeSeconds = lifetimeSeconds
    }
}

/// Asks for a new secret of an operator API key.
public struct APIKeyRotation: Codable, Hashable, Sendable {
    /// How long the old secret still works, seconds, in 0...2592000 (30 days); nil for a day.
    public var overlapSeconds: Double?

    /// Makes a request.
    public init(overlapSeconds: Double? = nil) {
        self.overlapSeconds = overlapSeconds
    }
}

/// An operator API key.
public struct APIKeyResource: Codable, Hashable, Sendable {
    /// Its id.
    public var id: String
    /// The person or machine it is for.
    public var name: String
    /// What it may do.
    public var role: OperatorRole
    /// For which models and devices; nil for all.
    public var scope: OperatorScope?
    /// Whether a person or a machine holds it; nil from a controller that does not say it.
    public var holder: KeyHolder?
    /// When it was made.
    public var createdAt: Timestamp
    /// When it stops working; nil for never.
    public var expiresAt: Timestamp?
    /// When its secret was last replaced.
    public var rotatedAt: Timestamp?
    /// Until when the secret before works too; nil where there is none.
    public var previousUntil: Timestamp?
    /// When it was last used, to five minutes; nil for never.
    public var lastUsedAt: Timestamp?
    /// The key itself; present only in the reply to its making or rotation.
    public var secret: String?

    /// Makes a key's description.
    public init(id: String, name: String, role: OperatorRole, createdAt: Timestamp, secret: String? = nil) {
        self.id = id
        self.name = name
        self.role = role
        self.createdAt = createdAt
        self.secret = secret
    }
}
