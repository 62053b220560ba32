import Fleet
import Rollouts
import WireFormat

/// A change in the making: the state as it will be, what must be committed for it, and whom to wake afterwards.
///
/// Nothing of a draft is visible before its changes are durable; a draft whose commit fails is dropped.
struct FleetDraft: Sendable {
    var state: FleetState
    /// What has to be committed, in its order; a rollout that changed again and again is in it once, as it is now.
    var changes: [StoreChange] {
        recorded.map { change in
            guard case .rollout(let then) = change, let now = state.rollouts[then.id] else { return change }
            return .rollout(now.rollout)
        }
    }
    private var recorded: [StoreChange] = []
    private var changedRollouts: Set<RolloutID> = []
    /// Devices whose assignment or heartbeat interval changed.
    private(set) var touched: Set<DeviceID> = []
    /// Decisions recorded, for counters and log.
    private(set) var decided: [(rollout: Rollout, decision: Decision)] = []
    /// Rollouts that reached a final state, for counters and log.
    private(set) var ended: [Rollout] = []
    /// Devices whose identity another board has taken: what was counted of the old one ends.
    var newMachines: Set<DeviceID> = []
    /// Devices that a person let out of quarantine.
    var released: Set<DeviceID> = []
    let now: Timestamp
    /// True when keys or device tokens changed.
    var changesCredentials = false
    /// True when a checkpoint of the audit log is asked for.
    var sealsAudit = false
    /// True where nobody waits for the change: a refusal of it does not mean that the controller cannot serve.
    var isUpkeep = false

    /// What is counted of a device, for drawing a step.
    let telemetry: @Sendable (DeviceID) -> StoredTelemetry

    init(_ state: FleetState, at now: Timestamp, telemetry: @escaping @Sendable (DeviceID) -> StoredTelemetry) {
        self.state = state
        self.now = now
        self.telemetry = telemetry
    }

    /// Adds a change that has no counterpart in memory.
    mutating func add(_ change: StoreChange) {
        recorded.append(change)
    }

    /// Writes a row of the audit log.
    mutating func audit(_ actor: String, _ action: String, _ subject: String, _ detail: [String: String] = [:]) {
        add(.audit(AuditEvent(number: 0, at: now, actor: actor, action: action, subject: subject, detail: detail)))
    }

    /// Keeps a device.
    mutating func put(_ device: StoredDevice) {
        state.devices[device.id] = device
        touched.insert(device.id)
        add(.device(device))
    }

    /// Keeps a rollout that changed.
    mutating func put(_ tracked: TrackedRollout, was before: Rollout?) {
        var tracked = tracked
        if before?.state != tracked.rollout.state {
            tracked.stateEnteredAt = now
            if tracked.rollout.state.isFinal { ended.append(tracked.rollout) }
        }
        tracked.revision &+= 1
        if before != tracked.rollout, changedRollouts.insert(tracked.rollout.id).inserted {
            add(.rollout(tracked.rollout))
        }
        state.rollouts[tracked.rollout.id] = tracked
    }

    /// Keeps a decision.
    mutating func put(_ decision: Decision, of rollout: Rollout) {
        decided.append((rollout, decision))
        add(.decision(rollout.id, decision))
        audit(
            decision.actor ?? "controller", "rollout.\(decision.kind.rawValue)", "rollout/\(rollout.id)",
            ["cause": decision.cause.rawValue, "reason": decision.reason, "sentence": decision.sentence])
    }

    /// Keeps what a person found out about a decision.
    mutating func label(
        _ decision: Decision, of id: RolloutID, as label: DecisionLabel.Value?, by name: String
    ) -> Decision {
        var labelled = decision
        labelled.label = label.map { DecisionLabel($0, by: name, at: now) }
        if var tracked = state.rollouts[id] {
            tracked.decisions = tracked.decisions.map { $0.number == decision.number ? labelled : $0 }
            tracked.revision &+= 1
            state.rollouts[id] = tracked
        }
        add(.decisionLabelled(id, labelled))
        audit(
            name, label == nil ? "decision.unlabel" : "decision.label", "rollout/\(id)",
            ["decision": "\(decision.number)", "label": (label ?? decision.label?.value)?.rawValue ?? ""])
        return labelled
    }

    /// Marks devices as touched: their heartbeat interval may have changed.
    mutating func touch(_ devices: some Sequence<DeviceID>) {
        touched.formUnion(devices)
    }
}
