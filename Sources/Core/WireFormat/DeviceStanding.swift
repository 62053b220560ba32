public import Fleet

/// How devices that use an enrolment token are let in.
public enum ApprovalMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// At once.
    case automatic
    /// When a person has approved each.
    case manual
    /// At once where the device is on the token's list; nobody else.
    case listed
}

/// Whether a device may take part, and why not.
public struct DeviceStanding: Codable, Hashable, Sendable {
    /// The kinds of standing; a device in good standing has none.
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// It asked to join and a person has not decided; it has no credential.
        case awaitingApproval = "awaiting_approval"
        /// A person let it in and it has not fetched its credential yet.
        case approved
        /// A person did not let it in.
        case rejected
        /// It goes on serving, gets no new version and no artifact, until a person has decided.
        case quarantined
        /// Its credentials open nothing.
        case revoked
        /// Its credentials open nothing, and a new board may take its identity.
        case replacing
    }

    /// The kind.
    public var kind: Kind
    /// Why, for people.
    public var reason: String
    /// Since when.
    public var since: Timestamp
    /// Who decided: an operator's name, or `controller`.
    public var by: String

    /// Describes a standing.
    public init(_ kind: Kind, reason: String, since: Timestamp, by: String) {
        self.kind = kind
        self.reason = reason
        self.since = since
        self.by = by
    }
}

extension Problem {
    /// How soon a device that waits for approval asks again, seconds: the reply's Retry-After.
    public static let approvalRetrySeconds = 15.0

    /// Whether it says that a person has still to decide.
    public var isAwaitingApproval: Bool { code == DeviceStanding.Kind.awaitingApproval.rawValue }
}

/// What a person decides about a device.
public struct DeviceDecision: Codable, Hashable, Sendable {
    /// The decisions.
    public enum Verb: String, Codable, Hashable, Sendable, CaseIterable {
        /// Lets a waiting device in, or one out of quarantine.
        case approve
        /// Does not let a waiting device in.
        case reject
        /// Ends what the device's credentials open, at once.
        case revoke
        /// Has a device try once more a version that failed on it.
        case retry
    }

    /// What.
    public var decision: Verb
    /// Why: told to operators and to the device.
    public var reason: String

    /// Makes a decision.
    public init(_ decision: Verb, reason: String) {
        self.decision = decision
        self.reason = reason
    }
}

/// Asks for a token with which a new board takes a device's identity.
public struct DeviceReplacement: Codable, Hashable, Sendable {
    /// Why the board is replaced.
    public var reason: String
    /// How long the token may be used, seconds, at most 259200 (72 h); 3600 by default.
    public var lifetimeSeconds: Double?

    /// Makes a request.
    public init(reason: String, lifetimeSeconds: Double? = nil) {
        self.reason = reason
        self.lifetimeSeconds = lifetimeSeconds
    }
}
