public import Fleet

/// What a device sends once to join the fleet.
///
/// The route is open: the token is the credential.
public struct EnrolmentRequest: Codable, Hashable, Sendable {
    /// The random part of the enrolment token, base64url.
    public var token: String
    /// The identity the device asks for.
    public var device: DeviceID
    /// The device's own labels; labels pinned by the token win.
    public var labels: Labels
    /// The agent's version.
    public var agentVersion: String
    /// A certificate request (PKCS #10, PEM) for the device's own key; nil asks for a bearer token.
    public var certificateRequest: String?

    /// Makes a request.
    public init(
        token: String, device: DeviceID, labels: Labels, agentVersion: String, certificateRequest: String? = nil
    ) {
        self.certificateRequest = certificateRequest
        self.token = token
        self.device = device
        self.labels = labels
        self.agentVersion = agentVersion
    }
}

/// What the device gets back, once.
public struct EnrolmentReply: Codable, Hashable, Sendable {
    /// The device's bearer token, shown once; nil for a device with a certificate.
    ///
    /// The controller stores its hash.
    public var deviceToken: String?
    /// The device's certificate, PEM, where it asked for one and the controller issues them.
    public var certificate: String?
    /// The public key assignments are signed with, PEM; its fingerprint must be the enrolment token's.
    public var assignmentKey: String
    /// The publishers' public keys the controller knows, PEM; the device keeps those whose fingerprints its token
    /// names.
    public var publisherKeys: [String]

    /// Makes a reply.
    public init(
        deviceToken: String?, certificate: String? = nil, assignmentKey: String, publisherKeys: [String]
    ) {
        self.certificate = certificate
        self.deviceToken = deviceToken
        self.assignmentKey = assignmentKey
        self.publisherKeys = publisherKeys
    }
}

/// What a device sends to have its certificate renewed.
public struct CertificateRenewal: Codable, Hashable, Sendable {
    /// A certificate request (PKCS #10, PEM) for the key of its certificate.
    public var certificateRequest: String

    /// Makes a request.
    public init(certificateRequest: String) {
        self.certificateRequest = certificateRequest
    }
}

/// A device's renewed certificate.
public struct DeviceCertificate: Codable, Hashable, Sendable {
    /// PEM.
    public var certificate: String

    /// Makes a reply.
    public init(certificate: String) {
        self.certificate = certificate
    }
}

/// A device as operators see it.
public struct DeviceResource: Codable, Hashable, Sendable {
    /// What runs or should run in one model slot.
    public struct Slot: Codable, Hashable, Sendable {
        /// The model.
        public var model: ModelName
        /// What the device last said it serves.
        public var running: VersionLabel?
        /// What it should serve.
        public var assigned: VersionLabel?
        /// What it falls back to.
        public var fallback: VersionLabel?
        /// The deployment that wants it.
        public var deployment: DeploymentName?
        /// The rollout the device is part of.
        public var rollout: RolloutID?
        /// Its arm there: `canary`, `baseline` or `stable`.
        public var arm: String
        /// The update step it is in.
        public var step: String?
        /// Why it did not carry its newest assignment out, such as `quarantined`; nil where it did or has not said.
        public var failed: String?
        /// Whether the runtime is healthy.
        public var healthy: Bool

        /// Makes a slot.
        public init(model: ModelName, arm: String = "stable", healthy: Bool = false) {
            self.model = model
            self.arm = arm
            self.healthy = healthy
        }
    }

    /// The identity.
    public var id: DeviceID
    /// Labels.
    public var labels: Labels
    /// Connectivity.
    public var state: Connectivity
    /// When it joined.
    public var enrolledAt: Timestamp
    /// When its last heartbeat arrived.
    public var lastHeartbeatAt: Timestamp?
    /// Its newest assignment's number.
    public var assignment: UInt64
    /// The agent's version.
    public var agentVersion: String
    /// Its model slots.
    public var slots: [Slot]
    /// Reported health problems.
    public var problems: [String]
    /// The number of the publishers' key set that it follows; nil where it has not said so.
    public var keySet: UInt64?
    /// Why the device may not take part; nil for a device in good standing.
    public var standing: DeviceStanding?
    /// What the device has counted per version in its lifetime, as far as it is stored for good.
    public var totals: [VersionTotals]

    /// Makes a device.
    public init(
        id: DeviceID, labels: Labels, state: Connectivity, enrolledAt: Timestamp, lastHeartbeatAt: Timestamp? = nil,
        assignment: UInt64 = 0, agentVersion: String = "", slots: [Slot] = [], problems: [String] = [],
        totals: [VersionTotals] = []
    ) {
        self.id = id
        self.labels = labels
        self.state = state
        self.enrolledAt = enrolledAt
        self.lastHeartbeatAt = lastHeartbeatAt
        self.assignment = assignment
        self.agentVersion = agentVersion
        self.slots = slots
        self.problems = problems
        self.totals = totals
    }
}

/// What one device has counted on one version.
public struct VersionTotals: Codable, Hashable, Sendable {
    /// The version's digest.
    public var digest: Digest
    /// The counts.
    public var totals: RuntimeTotals
    /// How often a runtime ended with requests that nobody may have counted; without any the counts are complete.
    public var gaps: UInt64

    /// Makes totals of a version.
    public init(digest: Digest, totals: RuntimeTotals, gaps: UInt64 = 0) {
        self.digest = digest
        self.totals = totals
        self.gaps = gaps
    }
}

/// A version in a list: its digest, and its name where the controller knows it.
public struct VersionLabel: Codable, Hashable, Sendable {
    /// The name, such as `v2.0.0`; nil for a digest the controller does not know.
    public var name: VersionName?
    /// The digest.
    public var digest: Digest

    /// Makes a label.
    public init(name: VersionName?, digest: Digest) {
        self.name = name
        self.digest = digest
    }
}

/// The labels a device is to have from now on; a label that is left out is removed.
public struct DevicePatch: Codable, Hashable, Sendable {
    /// The new labels, complete.
    public var labels: Labels

    /// Makes a patch.
    public init(labels: Labels) {
        self.labels = labels
    }
}

/// A device's instructions: one signed assignment per model slot.
public struct AssignmentSet: Codable, Hashable, Sendable {
    /// The device's newest assignment number; also the ETag.
    public var number: UInt64
    /// Compact JWS, one per model slot (`typ` `edge-assignment+jwt`).
    public var assignments: [String]

    /// Makes a set.
    public init(number: UInt64, assignments: [String]) {
        self.number = number
        self.assignments = assignments
    }
}

/// What became of one attempt, or of one of its steps.
public struct AttemptReport: Codable, Hashable, Sendable {
    /// How it stands.
    public enum Outcome: String, Codable, Hashable, Sendable, CaseIterable {
        /// One step was finished.
        case stepDone = "step_done"
        /// The new version serves and passed its smoke test.
        case succeeded
        /// The attempt failed; the device is on what it ran before.
        case failed
        /// The device returned to its fallback, ordered or by itself.
        case rolledBack = "rolled_back"
        /// The assignment was refused before anything was done.
        case rejected
    }

    /// The assignment's number.
    public var assignment: UInt64
    /// The model.
    public var model: ModelName
    /// Counts the device's reports from 1; the controller takes each once.
    public var sequence: UInt64
    /// The version it was about.
    public var digest: Digest?
    /// The step: `check`, `download`, `verify`, `backup`, `deploy`, `smoke` or `report`; also `probation` and
    /// `rollback`.
    public var step: String
    /// How it stands.
    public var outcome: Outcome
    /// A stable reason for a failure, such as `hash_mismatch`; nil otherwise.
    public var reason: String?
    /// More for people, at most 4 KiB.
    public var detail: String?
    /// How long the step took, seconds.
    public var durationSeconds: Double
    /// Bytes fetched by the step.
    public var transferredBytes: UInt64
    /// When, milliseconds since 1970 on the device's clock.
    public var at: Int64

    /// Makes a report.
    public init(
        assignment: UInt64, model: ModelName, sequence: UInt64, digest: Digest?, step: String, outcome: Outcome,
        reason: String? = nil, detail: String? = nil, durationSeconds: Double = 0, transferredBytes: UInt64 = 0,
        at: Int64
    ) {
        self.assignment = assignment
        self.model = model
        self.sequence = sequence
        self.digest = digest
        self.step = step
        self.outcome = outcome
        self.reason = reason
        self.detail = detail
        self.durationSeconds = durationSeconds
        self.transferredBytes = transferredBytes
        self.at = at
    }
}

/// Reports in one request, oldest first.
public struct ReportBatch: Codable, Hashable, Sendable {
    /// At most 100.
    public var reports: [AttemptReport]

    /// Makes a batch.
    public init(reports: [AttemptReport]) {
        self.reports = reports
    }
}

/// Up to which report the controller has stored them.
public struct ReportReceipt: Codable, Hashable, Sendable {
    /// Every report up to this sequence is stored.
    public var acknowledged: UInt64

    /// Makes a receipt.
    public init(acknowledged: UInt64) {
        self.acknowledged = acknowledged
    }
}
