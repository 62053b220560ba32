public import Fleet

/// Asks for an enrolment token.
public struct EnrolmentTokenRequest: Codable, Hashable, Sendable {
    /// How long it may be used, seconds, at most 259200 (72 h); 3600 by default.
    public var lifetimeSeconds: Double?
    /// How many devices may use it; 1 by default, at most 100000.
    public var uses: Int?
    /// Labels every device that uses it gets.
    public var labels: Labels?
    /// How its devices are let in; `automatic` by default.
    public var approval: ApprovalMode?
    /// With `listed`: the devices that may use it.
    public var devices: [DeviceID]?
    /// With `listed`: the keys (SHA-256 of the SubjectPublicKeyInfo) whose certificate requests may use it.
    public var deviceKeys: [Digest]?

    /// Makes a request.
    public init(
        lifetimeSeconds: Double? = nil, uses: Int? = nil, labels: Labels? = nil, approval: ApprovalMode? = nil,
        devices: [DeviceID]? = nil, deviceKeys: [Digest]? = nil
    ) {
        self.approval = approval
        self.devices = devices
        self.deviceKeys = deviceKeys
        self.lifetimeSeconds = lifetimeSeconds
        self.uses = uses
        self.labels = labels
    }
}

/// An enrolment token as the controller knows it.
public struct EnrolmentTokenResource: Codable, Hashable, Sendable {
    /// Its id.
    public var id: String
    /// When it stops working.
    public var expiresAt: Timestamp
    /// How many more devices may use it.
    public var usesLeft: Int
    /// Labels its devices get.
    public var labels: Labels
    /// How its devices are let in; absent for `automatic`.
    public var approval: ApprovalMode?
    /// The one device whose identity a new board takes with it.
    public var replaces: DeviceID?
    /// The random part, base64url; present only in the reply to its making.
    ///
    /// `edgectl` adds the fingerprints.
    public var secret: String?

    /// Makes a token's description.
    public init(id: String, expiresAt: Timestamp, usesLeft: Int, labels: Labels, secret: String? = nil) {
        self.id = id
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
        self.labels = labels
        self.secret = secret
    }
}

/// One row of the audit log.
public struct AuditEvent: Codable, Hashable, Sendable {
    /// Counted from 1 without gaps.
    public var number: UInt64
    /// When.
    public var at: Timestamp
    /// Who: an operator's name, `device:<id>` or `controller`.
    public var actor: String
    /// What, such as `rollout.rollback`.
    public var action: String
    /// On what, such as `rollout/digits-2`.
    public var subject: String
    /// More, as text by name; never a secret.
    public var detail: [String: String]
    /// SHA-256 of the hash of the row before and of this row; nil where it was not hashed yet.
    public var hash: Digest?

    /// Makes a row.
    public init(
        number: UInt64, at: Timestamp, actor: String, action: String, subject: String,
        detail: [String: String] = [:], hash: Digest? = nil
    ) {
        self.number = number
        self.at = at
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        self.hash = hash
    }
}

extension AuditEvent {
    /// The action of the row that a restore from a backup writes: the first one after those of the backup.
    public static let restoreAction = "controller.restore"

    /// How many rows of the log before it are those of a backup, in the row of a restore; nil in every other row.
    public var restoredRows: UInt64? {
        guard action == Self.restoreAction, let rows = detail["rows"].flatMap(UInt64.init), rows < number else {
            return nil
        }
        return rows
    }
}

/// What the controller signed about its audit log: a checkpoint that it keeps, or the log's end when somebody asked.
public struct AuditMark: Codable, Hashable, Sendable {
    /// How many rows it covers.
    public var number: UInt64
    /// The hash of the last of them.
    public var hash: Digest
    /// When it was signed.
    public var at: Timestamp
    /// The signed text (compact JWS, ES256 by the assignment key); what else is here is only for looking.
    public var seal: String

    /// Makes a mark.
    public init(number: UInt64, hash: Digest, at: Timestamp, seal: String) {
        self.number = number
        self.hash = hash
        self.at = at
        self.seal = seal
    }
}
