public import Fleet
public import Rollouts
public import WireFormat

/// One change of what is stored.
///
/// A list of changes is committed as a whole or not at all.
public enum StoreChange: Sendable {
    /// Inserts or replaces a device.
    case device(StoredDevice)
    /// Inserts or replaces a device's telemetry.
    case telemetry(StoredTelemetry)
    /// Inserts or replaces an operator key.
    case apiKey(StoredAPIKey)
    /// Removes an operator key.
    case apiKeyRemoved(id: String)
    /// Inserts or replaces an enrolment token.
    case token(StoredToken)
    /// Inserts or replaces a publisher's public key.
    case publisherKey(PublisherKey)
    /// Inserts a key set; a number that is taken is refused.
    case keySet(KeySetResource)
    /// Inserts a version; versions never change.
    case version(VersionResource)
    /// Replaces a version by the same one: with another signature, or without its artifacts, or with them again.
    case versionUpdated(VersionResource)
    /// Inserts or replaces a policy.
    case policy(Policy)
    /// Removes a policy.
    case policyRemoved(PolicyName)
    /// Inserts or replaces a deployment.
    case deployment(Deployment)
    /// Removes a deployment.
    case deploymentRemoved(DeploymentName)
    /// Inserts or replaces a rollout.
    case rollout(Rollout)
    /// Inserts the experiment of a step.
    case experiment(StoredExperiment)
    /// Inserts a row of evidence.
    case evidence(EvidenceRow)
    /// Inserts a decision.
    case decision(RolloutID, Decision)
    /// Replaces a decision by the same one with another label.
    case decisionLabelled(RolloutID, Decision)
    /// Inserts an audit row with its number and hash; a number that is taken is refused.
    case audit(AuditEvent)
    /// Inserts a checkpoint of the audit log.
    case auditCheckpoint(AuditMark)
    /// Inserts or replaces what is known of a restore.
    case restore(StoredRestore)
    /// Inserts where the audit log begins from now on: behind the checkpoint of that number.
    case auditBeginning(AuditMark)
    /// Inserts the reply to an idempotency key.
    case reply(StoredReply)
    /// Removes what is kept no longer.
    case removal(StoreRemoval)
}

/// Everything the controller keeps in memory, as it was last committed.
public struct StoredState: Sendable {
    /// Devices, retired ones included.
    public var devices: [StoredDevice] = []
    /// Their telemetry.
    public var telemetry: [StoredTelemetry] = []
    /// Operator keys.
    public var apiKeys: [StoredAPIKey] = []
    /// Enrolment tokens, used and expired ones included.
    public var tokens: [StoredToken] = []
    /// Publishers' public keys.
    public var publisherKeys: [PublisherKey] = []
    /// Publishers' key sets, by number.
    public var keySets: [KeySetResource] = []
    /// Versions of all models.
    public var versions: [VersionResource] = []
    /// Policies.
    public var policies: [Policy] = []
    /// Deployments.
    public var deployments: [Deployment] = []
    /// Rollouts, ended ones included.
    public var rollouts: [Rollout] = []
    /// The backups that the controller was restored from, by number.
    public var restores: [StoredRestore] = []
    /// Decisions of all rollouts, by number.
    public var decisions: [RolloutID: [Decision]] = [:]

    /// Makes an empty state.
    public init() {}
}

/// Nobody knows whether a commit took place: the answer to it was lost, and the store could not find out.
///
/// Neither is true for its caller until ``OrchestratorStore/settle()`` says which.
public struct UnsettledCommit: Error, Hashable, CustomStringConvertible {
    /// What happened, for people.
    public let reason: String

    /// Names the reason.
    public init(reason: String) {
        self.reason = reason
    }

    /// A sentence for people.
    public var description: String { "it is not known whether a commit took place: \(reason)" }
}

/// Where what was promised is kept.
///
/// Calls block; they are made from worker threads only.
public protocol OrchestratorStore: RetentionStore {
    /// Reads everything that is kept in memory.
    func load() throws -> StoredState

    /// Commits all changes in their order, or none. Returns when they are durable.
    ///
    /// - Throws: ``UnsettledCommit`` where nobody knows; ``settle()`` must have answered before the next commit.
    func commit(_ changes: [StoreChange]) throws

    /// Whether the commit that was left unsettled took place; false where there is none.
    ///
    /// - Throws: while it is still not known.
    func settle() throws -> Bool

    /// The experiment of a step; nil where the step was never drawn.
    func experiment(rollout: RolloutID, step: Int) throws -> StoredExperiment?

    /// The evidence rows of a step, oldest first.
    func evidence(rollout: RolloutID, step: Int) throws -> [EvidenceRow]

    /// Audit rows with a number above `after`, ascending, at most `limit`.
    func audit(after: UInt64, limit: Int) throws -> [AuditEvent]

    /// The newest audit rows, descending by number, at most `limit`, with a number below `before` where that is given.
    func newestAudit(before: UInt64?, limit: Int) throws -> [AuditEvent]

    /// Checkpoints of the audit log that cover more than `after` rows, ascending, at most `limit`.
    func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark]

    /// The newest checkpoint of the audit log; nil before the first.
    func newestAuditCheckpoint() throws -> AuditMark?

    /// The reply to an idempotency key.
    func reply(key: String) throws -> StoredReply?

    /// Answers a trivial query; throws when the database is away.
    func probe() throws
}
