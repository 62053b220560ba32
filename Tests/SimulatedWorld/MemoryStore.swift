import Fleet
import Orchestration
import Rollouts
import Synchronization
import WireFormat

/// A store in memory that survives its controllers, keeps the promises of a real one and fails when told.
///
/// What is only ever added (evidence, decisions, experiments, versions) is refused a second time, as a database's
/// primary key would: a repeated decision is an error here.
final class MemoryStore: OrchestratorStore {
    /// The store refused.
    struct Refusal: Error {
        let reason: String
    }

    fileprivate struct Place: Hashable {
        let rollout: RolloutID
        let step: Int
    }

    fileprivate struct Content {
        var devices: [DeviceID: StoredDevice] = [:]
        var telemetry: [DeviceID: StoredTelemetry] = [:]
        var apiKeys: [String: StoredAPIKey] = [:]
        var tokens: [String: StoredToken] = [:]
        var publisherKeys: [String: PublisherKey] = [:]
        var keySets: [KeySetResource] = []
        var versions: [Digest: VersionResource] = [:]
        var policies: [PolicyName: Policy] = [:]
        var deployments: [DeploymentName: Deployment] = [:]
        var rollouts: [RolloutID: Rollout] = [:]
        var decisions: [RolloutID: [Decision]] = [:]
        var experiments: [Place: StoredExperiment] = [:]
        var evidence: [Place: [EvidenceRow]] = [:]
        var audit: [AuditEvent] = []
        var auditCheckpoints: [AuditMark] = []
        var restores: [UInt64: StoredRestore] = [:]
        var auditBeginnings: [AuditMark] = []
        var replies: [String: StoredReply] = [:]
        var lastCommit: [StoreChange] = []
        var refusals = 0
        /// Whether the next commit whose answer is lost takes place; nil where no answer is lost.
        var lostAnswer: Bool?
        /// Whether the commit that nobody knows of took place.
        var unsettled: Bool?
        /// How often the store cannot say yet.
        var silences = 0
    }

    private let content = Mutex(Content())

    /// Another store with the same content, as a backup is.
    func copy() -> MemoryStore {
        let copied = MemoryStore()
        let now = content.withLock { $0 }
        copied.content.withLock { $0 = now }
        return copied
    }
    /// The changes of the last commit that took place.
    var lastCommit: [StoreChange] { content.withLock { $0.lastCommit } }

    /// The next so many commits are refused.
    func refuseCommits(_ count: Int) { content.withLock { $0.refusals = count } }

    /// The answer to the next commit is lost, which takes place or not; so many questions for it fail first.
    func loseAnswer(takesPlace: Bool, silences: Int = 0) {
        content.withLock {
            $0.lostAnswer = takesPlace
            $0.silences = silences
        }
    }

    // MARK: - OrchestratorStore

    func load() throws -> StoredState {
        content.withLock { content in
            var state = StoredState()
            state.devices = content.devices.values.sorted { $0.id < $1.id }
            state.telemetry = content.telemetry.values.sorted { $0.device < $1.device }
            state.apiKeys = content.apiKeys.values.sorted { $0.id < $1.id }
            state.tokens = content.tokens.values.sorted { $0.id < $1.id }
            state.publisherKeys = content.publisherKeys.values.sorted {
                ($0.fingerprint ?? "") < ($1.fingerprint ?? "")
            }
            state.keySets = content.keySets
            state.restores = content.restores.values.sorted { $0.number < $1.number }
            state.versions = content.versions.values.sorted { $0.digest < $1.digest }
            state.policies = content.policies.values.sorted { $0.name < $1.name }
            state.deployments = content.deployments.values.sorted { $0.name < $1.name }
            state.rollouts = content.rollouts.values.sorted { $0.id < $1.id }
            state.decisions = content.decisions
            return state
        }
    }

    func commit(_ changes: [StoreChange]) throws {
        try content.withLock { content in
            guard content.refusals == 0 else {
                content.refusals -= 1
                throw Refusal(reason: "the disk is full")
            }
            guard content.unsettled == nil else { throw Refusal(reason: "a commit is not settled") }
            var draft = content
            for change in changes { try draft.take(change) }
            draft.lastCommit = changes
            if let takesPlace = content.lostAnswer {
                draft.lostAnswer = nil
                content.lostAnswer = nil
                if takesPlace { content = draft }
                content.unsettled = takesPlace
                throw UnsettledCommit(reason: "the answer was lost")
            }
            content = draft
        }
    }

    func settle() throws -> Bool {
        try content.withLock { content in
            guard content.silences == 0 else {
                content.silences -= 1
                throw Refusal(reason: "the database is away")
            }
            defer { content.unsettled = nil }
            return content.unsettled ?? false
        }
    }

    func experiment(rollout: RolloutID, step: Int) throws -> StoredExperiment? {
        content.withLock { $0.experiments[Place(rollout: rollout, step: step)] }
    }

    func evidence(rollout: RolloutID, step: Int) throws -> [EvidenceRow] {
        content.withLock { $0.evidence[Place(rollout: rollout, step: step)] ?? [] }.sorted { $0.tick < $1.tick }
    }

    func audit(after: UInt64, limit: Int) throws -> [AuditEvent] {
        content.withLock { Array($0.audit.filter { $0.number > after }.prefix(limit)) }
    }

    func newestAudit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        content.withLock { Array($0.audit.filter { $0.number < before ?? .max }.reversed().prefix(limit)) }
    }

    func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        content.withLock { Array($0.auditCheckpoints.filter { $0.number > after }.prefix(limit)) }
    }

    func newestAuditCheckpoint() throws -> AuditMark? { content.withLock { $0.auditCheckpoints.last } }

    func drawnSteps() throws -> [DrawnStep] {
        content.withLock { content in
            content.experiments.keys.map { DrawnStep(rollout: $0.rollout, step: $0.step) }
                .sorted { ($0.rollout, $0.step) < ($1.rollout, $1.step) }
        }
    }

    func evidenceExtent(of step: DrawnStep, limit: Int) throws -> StoredExtent {
        let rows = try evidence(rollout: step.rollout, step: step.step).prefix(limit)
        return StoredExtent(
            rows: rows.count, bytes: rows.reduce(0) { $0 + $1.bytes.count }, last: UInt64(rows.last?.tick ?? 0))
    }

    func auditExtent(through number: UInt64, limit: Int) throws -> StoredExtent {
        let rows = content.withLock { $0.audit.filter { $0.number <= number } }.prefix(limit)
        return StoredExtent(rows: rows.count, bytes: 100 * rows.count, last: rows.last?.number ?? 0)
    }

    func auditBeginning() throws -> AuditMark? { content.withLock { $0.auditBeginnings.last } }

    func reply(key: String) throws -> StoredReply? { content.withLock { $0.replies[key] } }

    func probe() throws {
        guard content.withLock({ $0.refusals == 0 }) else { throw Refusal(reason: "the disk is full") }
    }
}

extension MemoryStore.Content {
    fileprivate mutating func take(_ change: StoreChange) throws {
        switch change {
        case .device(let device): devices[device.id] = device
        case .telemetry(let record): telemetry[record.device] = record
        case .apiKey(let key): apiKeys[key.id] = key
        case .apiKeyRemoved(let id): apiKeys[id] = nil
        case .token(let token): tokens[token.id] = token
        case .publisherKey(let key): publisherKeys[key.fingerprint ?? key.pem] = key
        case .versionUpdated(let version): versions[version.digest] = version
        case .policy(let policy): policies[policy.name] = policy
        case .policyRemoved(let name): policies[name] = nil
        case .deployment(let deployment): deployments[deployment.name] = deployment
        case .deploymentRemoved(let name): deployments[name] = nil
        case .rollout(let rollout): rollouts[rollout.id] = rollout
        case .restore(let restore): restores[restore.number] = restore
        case .decisionLabelled(let rollout, let decision):
            decisions[rollout] = decisions[rollout]?.map { $0.number == decision.number ? decision : $0 }
        case .version, .keySet, .experiment, .evidence, .decision, .audit, .auditCheckpoint, .auditBeginning, .reply:
            try append(change)
        case .removal(let removal): try remove(removal)
        }
    }

    private mutating func append(_ change: StoreChange) throws {
        switch change {
        case .version(let version):
            let isTaken = versions.values.contains { ($0.model, $0.version) == (version.model, version.version) }
            guard versions[version.digest] == nil, !isTaken else {
                throw MemoryStore.Refusal(reason: "version repeated")
            }
            versions[version.digest] = version
        case .keySet(let set):
            guard set.number > keySets.last?.number ?? 0 else { throw MemoryStore.Refusal(reason: "key set repeated") }
            keySets.append(set)
        case .experiment(let stored):
            let place = MemoryStore.Place(rollout: stored.rollout, step: stored.step)
            guard experiments[place] == nil else { throw MemoryStore.Refusal(reason: "experiment repeated") }
            experiments[place] = stored
        case .evidence(let row):
            let place = MemoryStore.Place(rollout: row.rollout, step: row.step)
            guard evidence[place]?.contains(where: { $0.tick == row.tick }) != true else {
                throw MemoryStore.Refusal(reason: "evidence repeated")
            }
            evidence[place, default: []].append(row)
        case .decision(let rollout, let decision):
            guard decisions[rollout]?.contains(where: { $0.number == decision.number }) != true else {
                throw MemoryStore.Refusal(reason: "decision repeated")
            }
            decisions[rollout, default: []].append(decision)
            decisions[rollout]?.sort { $0.number < $1.number }
        case .audit(let event):
            guard event.number > audit.last?.number ?? 0 else { throw MemoryStore.Refusal(reason: "row repeated") }
            audit.append(event)
        case .auditCheckpoint(let mark):
            guard mark.number > auditCheckpoints.last?.number ?? 0 else {
                throw MemoryStore.Refusal(reason: "checkpoint repeated")
            }
            auditCheckpoints.append(mark)
        case .auditBeginning(let mark): auditBeginnings.append(mark)
        case .reply(let reply):
            replies = replies.filter { $0.value.at.milliseconds >= reply.at.milliseconds - 86_400_000 }
            if replies[reply.key] == nil { replies[reply.key] = reply }
        case .device, .telemetry, .apiKey, .apiKeyRemoved, .token, .publisherKey, .versionUpdated, .policy,
            .policyRemoved, .deployment, .deploymentRemoved, .rollout, .decisionLabelled, .removal, .restore:
            preconditionFailure("records that replace each other are not appended")
        }
    }

    private mutating func remove(_ removal: StoreRemoval) throws {
        switch removal {
        case .evidence(let step, let tick):
            evidence[MemoryStore.Place(rollout: step.rollout, step: step.step)]?.removeAll { $0.tick <= tick }
        case .experiment(let step):
            let place = MemoryStore.Place(rollout: step.rollout, step: step.step)
            guard evidence[place] ?? [] == [] else { throw MemoryStore.Refusal(reason: "it has evidence") }
            experiments[place] = nil
        case .audit(let number):
            guard number <= auditBeginnings.last?.number ?? 0 else {
                throw MemoryStore.Refusal(reason: "the audit log is only ever added to")
            }
            audit.removeAll { $0.number <= number }
        }
    }
}
