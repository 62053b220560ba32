public import Fleet
import Foundation
public import PrometheusExposition
public import Rollouts
import Synchronization
import WireFormat

/// The controller's use cases over one fleet.
///
/// Changes are drafted on a copy of the state, committed, and only then shown: what a caller was told is durable.
/// Writers take turns under one lock; readers see the last committed state and never wait for a database.
public final class FleetController: FleetOperations {
    /// What the controller stands on.
    public struct Surroundings: Sendable {
        /// Where promises are kept.
        public var store: any OrchestratorStore
        /// Where artifacts are.
        public var artifacts: any ArtifactStore
        /// Hashes, randomness, the assignment key.
        public var cryptography: any OrchestratorCryptography
        /// The clock.
        public var clock: any OrchestratorClock
        /// Counters and histograms.
        public var metrics: MetricRegistry
        /// The log.
        public var log: any OrchestratorLog
        /// Signed tokens; nil where none are signed or believed.
        public var tokens: (any SignedTokens)?
        /// Tokens of an OpenID issuer; nil where none are believed.
        public var issuer: (any OperatorIssuer)?
        /// How long what is collected is kept.
        public var retention = Retention()

        /// Names the surroundings.
        public init(
            store: any OrchestratorStore, artifacts: any ArtifactStore, cryptography: any OrchestratorCryptography,
            clock: any OrchestratorClock, metrics: MetricRegistry, log: any OrchestratorLog,
            tokens: (any SignedTokens)? = nil
        ) {
            self.store = store
            self.artifacts = artifacts
            self.cryptography = cryptography
            self.clock = clock
            self.metrics = metrics
            self.log = log
            self.tokens = tokens
        }
    }

    let surroundings: Surroundings
    let ingest: TelemetryIngest
    let assignmentWaits = WaitingRoom<DeviceID>()
    let rolloutWaits = WaitingRoom<RolloutID>()
    let fleetMetrics: FleetMetrics
    private let published: Mutex<FleetState>
    let credentials: Mutex<[Digest: Credential]>
    let keyUses = KeyUses()
    private let faulted = Mutex<String?>(nil)
    private let unsettled = Mutex<UnsettledDraft?>(nil)
    /// The end of the audit log as it was last committed.
    let auditEnd: Mutex<AuditEnd>
    /// When it was last looked for what is kept no longer.
    let lookedAt = Mutex<Timestamp?>(nil)
    /// True while a forecast is being made.
    let forecasting = Atomic(false)
    // Held over drafting and committing; taken by worker threads and the tick only, never by a thread of the HTTP
    // server.
    private let writer = NSLock()

    /// Loads the state and refolds the evidence of rollouts that are under way.
    ///
    /// - Throws: what the store throws, and ``EvidenceFault`` where stored evidence cannot be read.
    public init(_ surroundings: Surroundings) throws {
        self.surroundings = surroundings
        let stored = try surroundings.store.load()
        var state = FleetState(stored)
        let now = surroundings.clock.now()
        for id in state.rollouts.keys.sorted() {
            guard let tracked = state.rollouts[id], tracked.rollout.isJudged else { continue }
            state.rollouts[id] = try tracked.refolded(from: surroundings.store, at: now)
        }
        ingest = TelemetryIngest(stored.telemetry, at: now)
        fleetMetrics = FleetMetrics(surroundings.metrics)
        published = Mutex(state)
        credentials = Mutex(state.credentials)
        auditEnd = Mutex(
            try AuditEnd(
                of: surroundings.store, digest: surroundings.cryptography.digest, log: surroundings.log))
        fleetMetrics.announce(state)
        fleetMetrics.announceRetention()
        for device in state.devices.values { ingest.setGuidance(state.guidance(for: device), for: device.id) }
        try followRestore()
    }

    // MARK: - Reading and changing

    /// The last committed state.
    var state: FleetState { published.withLock { $0 } }

    /// The moment now.
    var now: Timestamp { surroundings.clock.now() }

    /// Drafts a change, commits it and shows it.
    ///
    /// - Parameter settled: called later where the store throws `UnsettledCommit`, with whether the commit took place.
    /// - Throws: what `body` throws, with nothing changed; what the store throws, with nothing changed.
    func transact<Result>(
        settled: @escaping @Sendable (Bool) -> Void = { _ in }, _ body: (inout FleetDraft) throws -> Result
    ) throws -> Result {
        writer.lock()
        defer { writer.unlock() }
        try settleLocked()
        var draft = FleetDraft(state, at: now) { [ingest] in ingest.telemetry(of: $0) }
        let result = try body(&draft)
        try commit(draft, settled)
        return result
    }

    /// Does something that no change may come in between, and changes nothing stored itself.
    func whileNothingChanges<Result>(_ body: (FleetState) throws -> Result) rethrows -> Result {
        writer.lock()
        defer { writer.unlock() }
        return try body(state)
    }

    /// Finds out what became of a commit whose answer was lost, where there is one, and shows it if it took place.
    ///
    /// - Throws: what the store throws while it cannot say.
    func settle() throws {
        writer.lock()
        defer { writer.unlock() }
        try settleLocked()
    }

    private func settleLocked() throws {
        guard let pending = unsettled.withLock({ $0 }) else { return }
        let tookPlace = try surroundings.store.settle()
        unsettled.withLock { $0 = nil }
        faulted.withLock { $0 = nil }
        surroundings.log.info("commit settled", ["took place": "\(tookPlace)"])
        if tookPlace {
            auditEnd.withLock { $0 = pending.auditEnd }
            publish(pending.draft)
        }
        pending.settled(tookPlace)
    }

    /// Drafts a change and drops it: what a dry run shows.
    func rehearse<Result>(_ body: (inout FleetDraft) throws -> Result) throws -> Result {
        var draft = FleetDraft(state, at: now) { [ingest] in ingest.telemetry(of: $0) }
        return try body(&draft)
    }

    private func commit(_ draft: FleetDraft, _ settled: @escaping @Sendable (Bool) -> Void) throws {
        var end = auditEnd.withLock { $0 }
        let changes = try end.sealing(
            draft.changes, isAsked: draft.sealsAudit, at: draft.now, by: surroundings.cryptography)
        if !changes.isEmpty {
            do {
                let started = now
                try surroundings.store.commit(changes)
                auditEnd.withLock { $0 = end }
                fleetMetrics.committed(seconds: now.seconds(since: started))
                faulted.withLock { $0 = nil }
            } catch {
                if error is UnsettledCommit {
                    unsettled.withLock { $0 = UnsettledDraft(draft: draft, auditEnd: end, settled: settled) }
                } else if draft.isUpkeep {
                    throw error
                }
                faulted.withLock { $0 = "the store refused a commit: \(error)" }
                surroundings.log.error("commit failed", ["error": "\(error)"])
                throw error
            }
        }
        publish(draft)
    }

    private func publish(_ draft: FleetDraft) {
        let before = state
        published.withLock { $0 = draft.state }
        if draft.changesCredentials { credentials.withLock { $0 = draft.state.credentials } }
        for id in draft.newMachines { ingest.remove(id) }
        for id in draft.released { ingest.forgetProcesses(of: id) }
        for id in draft.touched {
            if let device = draft.state.devices[id] { ingest.setGuidance(draft.state.guidance(for: device), for: id) }
        }
        assignmentWaits.wake(draft.touched)
        rolloutWaits.wake(
            draft.state.rollouts.keys.filter { id in
                draft.state.rollouts[id]?.revision != before.rollouts[id]?.revision
            })
        report(draft)
    }

    private func report(_ draft: FleetDraft) {
        for (rollout, decision) in draft.decided {
            fleetMetrics.decided(decision, of: rollout)
            surroundings.log.info(
                "rollout decision",
                [
                    "rollout": rollout.id.rawValue, "decision": decision.kind.rawValue,
                    "cause": decision.cause.rawValue, "reason": decision.reason, "sentence": decision.sentence,
                ])
        }
        for rollout in draft.ended {
            fleetMetrics.ended(rollout)
            surroundings.log.info(
                "rollout ended", ["rollout": rollout.id.rawValue, "state": rollout.state.rawValue])
        }
        fleetMetrics.announce(draft.state)
    }

    // MARK: - Waiting and stopping

    /// See ``FleetOperations``.
    public func waitForAssignment(
        of device: DeviceID, above number: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64 {
        assignmentWaits.wait(
            for: device, until: now.adding(seconds: seconds),
            isOver: { [weak self] in
                guard let known = self?.state.devices[device], known.bar == nil else { return true }
                return known.assignmentNumber > number
            }, then: then)
            << 1
    }

    /// See ``FleetOperations``.
    public func waitForRollout(
        _ id: RolloutID, otherThan revision: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64 {
        rolloutWaits.wait(
            for: id, until: now.adding(seconds: seconds),
            isOver: { [weak self] in self?.state.rollouts[id]?.revision != revision }, then: then) << 1 | 1
    }

    /// See ``FleetOperations``.
    public func cancelWait(_ token: UInt64) {
        if token & 1 == 0 { assignmentWaits.cancel(token >> 1) } else { rolloutWaits.cancel(token >> 1) }
    }

    /// Lets go of requests that are held open and whose time is up; of all of them before a stop.
    public func expireWaits(everyone: Bool = false) {
        assignmentWaits.expire(at: now, everyone: everyone)
        rolloutWaits.expire(at: now, everyone: everyone)
    }

    /// Whether the controller can serve: nil, or why not.
    public func unreadyReason() -> String? {
        if let fault = faulted.withLock({ $0 }) { return fault }
        do {
            try surroundings.store.probe()
            return nil
        } catch {
            return "the store does not answer: \(error)"
        }
    }

    // MARK: - Replies to idempotency keys

    /// See ``FleetOperations``.
    public func storedReply(key: String) throws -> StoredReply? {
        try surroundings.store.reply(key: key)
    }

    /// See ``FleetOperations``.
    public func keep(_ reply: StoredReply) throws {
        try transact { $0.add(.reply(reply)) }
    }
}

/// A draft whose commit may have taken place.
private struct UnsettledDraft: Sendable {
    let draft: FleetDraft
    /// The end of the audit log if it did.
    let auditEnd: AuditEnd
    let settled: @Sendable (Bool) -> Void
}

extension FleetState {
    /// What heartbeat replies tell a device: its assignment, and the interval of the rollout whose arms it is in.
    ///
    /// Outside a rollout the interval is twice that of the deployment's policy, 60 s by default; a device without a
    /// deployment is told 60 s.
    func guidance(for device: StoredDevice) -> DeviceGuidance {
        var interval: Double?
        for slot in device.slots {
            guard let name = slot.deployment, let deployment = deployments[name] else { continue }
            let active = activeRollout(of: name)
            let wanted =
                active?.rollout.policy.heartbeatSeconds
                ?? 2 * (policy(for: deployment)?.heartbeatSeconds ?? 30)
            interval = min(interval ?? wanted, wanted)
        }
        return DeviceGuidance(assignment: device.assignmentNumber, intervalSeconds: interval ?? 60)
    }
}
