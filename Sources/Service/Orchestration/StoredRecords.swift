public import CanaryAnalysis
public import Fleet
public import Rollouts
public import WireFormat

/// A device as the store keeps it.
public struct StoredDevice: Codable, Hashable, Sendable {
    /// The identity.
    public var id: DeviceID
    /// SHA-256 of its bearer token.
    public var tokenHash: Digest
    /// SHA-256 of the public key its certificates are for; nil for a device with a bearer token.
    public var certificateKey: Digest?
    /// Labels.
    public var labels: Labels
    /// When it joined.
    public var enrolledAt: Timestamp
    /// When a person retired it.
    public var retiredAt: Timestamp?
    /// Why it may not take part; nil for a device in good standing.
    public var standing: DeviceStanding?
    /// The enrolment token that it asked to join with, while it has no credential.
    public var askedWith: String?
    /// True once a device that joined with a bearer token has a certificate: the token gets it certificates alone.
    public var leftBearerToken: Bool?
    /// The agent's version at enrolment.
    public var agentVersion: String
    /// Its newest assignment's number.
    public var assignmentNumber: UInt64
    /// What each model slot should run.
    public var slots: [StoredSlot]
    /// Every attempt report up to this sequence is stored.
    public var reportsAcknowledged: UInt64

    /// Makes a device without slots.
    public init(id: DeviceID, tokenHash: Digest, labels: Labels, enrolledAt: Timestamp, agentVersion: String) {
        self.id = id
        self.tokenHash = tokenHash
        self.labels = labels
        self.enrolledAt = enrolledAt
        self.agentVersion = agentVersion
        assignmentNumber = 0
        slots = []
        reportsAcknowledged = 0
    }
}

/// What one model slot of a device should run and what it last said it runs.
public struct StoredSlot: Codable, Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The number of the assignment that set this.
    public var number: UInt64
    /// The version to run; nil to run none.
    public var run: VersionReference?
    /// The version to fall back to.
    public var fallback: VersionReference?
    /// The deployment that wants it.
    public var deployment: DeploymentName?
    /// The rollout that commanded it, while it is not over.
    public var rollout: RolloutID?
    /// The number of the assignment by which the version was last ordered on purpose; nil where it never was.
    public var retry: UInt64?
    /// What the deployment wanted when a person sent the device back to an earlier version; nil where nobody did.
    ///
    /// Whatever the deployment settles on later reaches the device again.
    public var returnedFrom: Digest?
    /// The digest the device last reported as running.
    public var running: Digest?
    /// Why the device did not carry the current assignment out, as it last said; nil where it did or has not said.
    public var failedReason: String?

    /// Makes an empty slot.
    public init(model: ModelName) {
        self.model = model
        number = 0
    }
}

/// An operator key as the store keeps it.
public struct StoredAPIKey: Codable, Hashable, Sendable {
    /// Its id.
    public var id: String
    /// The person or machine it is for.
    public var name: String
    /// What it may do.
    public var role: OperatorRole
    /// SHA-256 of the key.
    public var hash: Digest
    /// When it was made.
    public var createdAt: Timestamp
    /// For which models and devices; nil for all.
    public var scope: OperatorScope?
    /// Whether a person or a machine holds it; nil for a person.
    public var holder: KeyHolder?
    /// When it stops working; nil for never.
    public var expiresAt: Timestamp?
    /// When its secret was last replaced.
    public var rotatedAt: Timestamp?
    /// SHA-256 of the secret before, while that works too.
    public var previousHash: Digest?
    /// Until when the secret before works.
    public var previousUntil: Timestamp?
    /// When it was last used, to ``KeyUses/grainSeconds``.
    public var lastUsedAt: Timestamp?

    /// Makes a key.
    public init(id: String, name: String, role: OperatorRole, hash: Digest, createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
    }
}

/// An enrolment token as the store keeps it.
public struct StoredToken: Codable, Hashable, Sendable {
    /// Its id.
    public var id: String
    /// SHA-256 of the random part.
    public var hash: Digest
    /// When it stops working.
    public var expiresAt: Timestamp
    /// How many more devices may use it.
    public var usesLeft: Int
    /// Labels its devices get.
    public var labels: Labels
    /// How its devices are let in; nil for automatic.
    public var approval: ApprovalMode?
    /// The devices on its list.
    public var devices: [DeviceID]?
    /// The keys on its list.
    public var deviceKeys: [Digest]?
    /// The device whose identity its one user takes.
    public var replaces: DeviceID?

    /// Makes a token.
    public init(id: String, hash: Digest, expiresAt: Timestamp, usesLeft: Int, labels: Labels) {
        self.id = id
        self.hash = hash
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
        self.labels = labels
    }
}

/// One device's counter ledger and history as a tick's commit stores them.
public struct StoredTelemetry: Codable, Hashable, Sendable {
    /// The device.
    public var device: DeviceID
    /// Its ledger.
    public var ledger: CounterLedger
    /// What it has counted per version, decayed: the history that a draw freezes.
    public var history: [VersionHistory]
    /// What it has counted per version in its lifetime; equals the sum of its runtimes' own counters.
    public var lifetime: [VersionTotals]
    /// Crashes by model slot, as last reported; never falls.
    public var crashes: [ModelName: UInt64]
    /// Failed starts by model slot, as last reported; never falls.
    public var failedStarts: [ModelName: UInt64]
    /// When its last heartbeat arrived.
    public var lastHeartbeatAt: Timestamp?
    /// The boot of its last heartbeat.
    public var boot: Int64
    /// The newest heartbeat of that boot in this record.
    public var sequence: UInt64

    /// Makes an empty record.
    public init(device: DeviceID) {
        self.device = device
        ledger = CounterLedger()
        history = []
        lifetime = []
        crashes = [:]
        failedStarts = [:]
        boot = 0
        sequence = 0
    }
}

/// What a device has counted on one version, halved every `halfLifeSeconds`.
public struct VersionHistory: Codable, Hashable, Sendable {
    /// The half life: one day.
    public static let halfLifeSeconds = 86_400.0

    /// The version.
    public var digest: Digest
    /// What was measured, decayed.
    public var measured: NamedMeasurements
    /// The moment the figures are decayed to.
    public var at: Timestamp

    /// Starts a history.
    public init(digest: Digest, at: Timestamp) {
        self.digest = digest
        self.at = at
        measured = NamedMeasurements()
    }
}

/// One packed row of evidence.
public struct EvidenceRow: Hashable, Sendable {
    /// The rollout.
    public var rollout: RolloutID
    /// The step, counted from 1.
    public var step: Int
    /// The tick of the step, counted from 1.
    public var tick: Int
    /// ``TickEvidence`` in its binary form.
    public var bytes: [UInt8]

    /// Makes a row.
    public init(rollout: RolloutID, step: Int, tick: Int, bytes: [UInt8]) {
        self.rollout = rollout
        self.step = step
        self.tick = tick
        self.bytes = bytes
    }
}

/// What was frozen when a step was drawn.
public struct StoredExperiment: Codable, Hashable, Sendable {
    /// The rollout.
    public var rollout: RolloutID
    /// The step, counted from 1.
    public var step: Int
    /// The frozen experiment.
    public var experiment: StepExperiment
    /// How what devices measure becomes its evidence.
    public var measuring: StepMeasuring

    /// Makes a record.
    public init(rollout: RolloutID, step: Int, experiment: StepExperiment, measuring: StepMeasuring) {
        self.rollout = rollout
        self.step = step
        self.experiment = experiment
        self.measuring = measuring
    }
}

/// How what devices measure becomes the evidence of one step; fixed when the step is drawn.
public struct StepMeasuring: Codable, Hashable, Sendable {
    /// The names of what is measured.
    public var names: MeasurementNames
    /// What is judged of it.
    public var design: MetricDesign

    /// Fixes how a step measures.
    public init(names: MeasurementNames, design: MetricDesign) {
        self.names = names
        self.design = design
    }

    /// One tally per metric of what the device at a place of the list measured; empty where it measured nothing.
    func tallies(_ measured: NamedMeasurements, of place: Int) -> [Tally] {
        let tallies = design.tallies(measured.measurements(names), of: place)
        return tallies.allSatisfy { $0.count == 0 && $0.total == 0 } ? [] : tallies
    }
}

/// The reply that an idempotency key was answered with.
public struct StoredReply: Codable, Hashable, Sendable {
    /// The key, with the operator's id in front.
    public var key: String
    /// SHA-256 of method, path and body: the same key with another request is refused.
    public var fingerprint: Digest
    /// The status.
    public var status: Int
    /// The body.
    public var body: String
    /// When; replies are kept for 24 hours.
    public var at: Timestamp

    /// Makes a reply.
    public init(key: String, fingerprint: Digest, status: Int, body: String, at: Timestamp) {
        self.key = key
        self.fingerprint = fingerprint
        self.status = status
        self.body = body
        self.at = at
    }
}
