import CanaryAnalysis
import Fleet
import Rollouts
import WireFormat

/// Everything the controller knows but telemetry: a value, so that a change can be drafted, committed and only then
/// shown.
struct FleetState: Sendable {
    var devices: [DeviceID: StoredDevice] = [:]
    var apiKeys: [String: StoredAPIKey] = [:]
    var tokens: [String: StoredToken] = [:]
    var publisherKeys: [String: PublisherKey] = [:]
    /// The publishers' key sets in the order of their numbers, from 1 without gaps.
    var keySets: [KeySetResource] = []
    var versions: [Digest: VersionResource] = [:]
    var policies: [PolicyName: Policy] = [:]
    var deployments: [DeploymentName: Deployment] = [:]
    var rollouts: [RolloutID: TrackedRollout] = [:]
    /// The backups that the controller was restored from, oldest first.
    var restores: [StoredRestore] = []

    init() {}

    init(_ stored: StoredState) {
        devices = Dictionary(stored.devices.map { ($0.id, $0) }) { $1 }
        apiKeys = Dictionary(stored.apiKeys.map { ($0.id, $0) }) { $1 }
        tokens = Dictionary(stored.tokens.map { ($0.id, $0) }) { $1 }
        publisherKeys = Dictionary(stored.publisherKeys.map { ($0.fingerprint ?? $0.pem, $0) }) { $1 }
        keySets = stored.keySets
        versions = Dictionary(stored.versions.map { ($0.digest, $0) }) { $1 }
        policies = Dictionary(stored.policies.map { ($0.name, $0) }) { $1 }
        deployments = Dictionary(stored.deployments.map { ($0.name, $0) }) { $1 }
        restores = stored.restores
        for rollout in stored.rollouts {
            rollouts[rollout.id] = TrackedRollout(rollout, decisions: stored.decisions[rollout.id] ?? [])
        }
    }

    /// A version of a model by name.
    func version(_ name: VersionName, of model: ModelName) -> VersionResource? {
        versions.values.first { $0.model == model && $0.version == name }
    }

    /// A digest with its name, where the registry knows it.
    func label(_ digest: Digest) -> VersionLabel {
        VersionLabel(name: versions[digest]?.version, digest: digest)
    }

    /// The policy a deployment names; the one that is called `default` where it names none.
    ///
    /// That is the product's own where nobody has applied another of the name. nil where there is no such policy.
    func policy(for deployment: Deployment) -> Policy? {
        let name = deployment.policy ?? Self.standardPolicy.name
        return policies[name] ?? (name == Self.standardPolicy.name ? Self.standardPolicy : nil)
    }

    /// The policy `default` as long as nobody has applied another.
    static let standardPolicy: Policy = {
        guard let name = PolicyName(rawValue: "default") else { preconditionFailure("\"default\" is a policy name") }
        return Policy(name: name)
    }()

    /// The rollouts of a deployment, oldest first.
    func rollouts(of deployment: DeploymentName) -> [TrackedRollout] {
        rollouts.values.filter { $0.rollout.deployment == deployment }
            .sorted { ($0.rollout.createdAt, $0.rollout.id) < ($1.rollout.createdAt, $1.rollout.id) }
    }

    /// The version that a deployment's devices run outside any rollout: the last one that was promoted and not taken
    /// back.
    func settledVersion(of deployment: DeploymentName) -> VersionReference? {
        rollouts(of: deployment).last { $0.rollout.promotedAt != nil }?.rollout.to
    }

    /// The rollout of a deployment that is not over.
    func activeRollout(of deployment: DeploymentName) -> TrackedRollout? {
        rollouts(of: deployment).last { !$0.rollout.state.isFinal }
    }
}

/// A rollout with what is kept about it in memory only: its judges are folds over stored evidence.
struct TrackedRollout: Sendable {
    var rollout: Rollout
    var decisions: [Decision]
    /// One judge per drawn step, in the order of the steps.
    var judges: [StepJudge] = []
    /// The devices of each drawn step's eligible list, in the experiment's order.
    private(set) var lists: [[DeviceID]] = []
    /// How each drawn step measures.
    private(set) var measuring: [StepMeasuring] = []
    /// Every device that is on the list of any drawn step.
    private(set) var listed: Set<DeviceID> = []
    /// The last judgement of each drawn step.
    var judgements: [TickJudgement] = []
    /// What came in for the tick that is not judged yet.
    var pending: [DeviceID: DeviceNews] = [:]
    /// When the last tick was judged.
    var lastTickAt: Timestamp?
    /// When the rollout last changed its state.
    var stateEnteredAt: Timestamp
    /// Changes whenever anything about the rollout does.
    var revision: UInt64 = 1

    init(_ rollout: Rollout, decisions: [Decision]) {
        self.rollout = rollout
        self.decisions = decisions
        stateEnteredAt = decisions.last?.at ?? rollout.createdAt
    }

    /// Keeps the judge and the list of a step that was drawn.
    mutating func add(_ judge: StepJudge, list: [DeviceID], measuring: StepMeasuring) {
        judges.append(judge)
        lists.append(list)
        self.measuring.append(measuring)
        listed.formUnion(list)
    }
}
