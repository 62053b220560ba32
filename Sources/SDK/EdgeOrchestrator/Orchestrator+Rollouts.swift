public import CurlClient
public import Fleet
public import Rollouts
public import WireFormat

/// A rollout and the mark by which a change of it is noticed.
public struct RevisedRollout: Hashable, Sendable {
    /// The rollout.
    public var rollout: RolloutResource
    /// The ETag of what was read; opaque.
    public var revision: String?

    /// Makes a value; tests of callers need no server.
    public init(rollout: RolloutResource, revision: String?) {
        self.rollout = rollout
        self.revision = revision
    }
}

extension Orchestrator {
    /// Rollouts, newest first.
    ///
    /// - Parameters:
    ///   - model: of this model only; nil for all.
    ///   - active: true for those under way, false for those that ended, nil for both.
    public func rollouts(
        model: ModelName? = nil, active: Bool? = nil
    ) throws(OrchestratorError) -> [RolloutResource] {
        try all(.get("rollouts").asking("model", model?.rawValue).asking("active", active.map { "\($0)" }))
    }

    /// One rollout.
    public func rollout(_ id: RolloutID) throws(OrchestratorError) -> RevisedRollout {
        let call = APICall.get("rollouts/\(id)")
        let response = try send(call)
        let rollout = try WireJSON.decode(RolloutResource.self, from: response.body, of: call.description)
        return RevisedRollout(rollout: rollout, revision: response.header("ETag"))
    }

    /// Waits until a rollout is no longer at `revision`.
    ///
    /// - Parameters:
    ///   - waitSeconds: how long the controller may hold the call, at most 50.
    ///   - cancellation: breaks the wait off.
    /// - Returns: nil when nothing changed in that time.
    public func rollout(
        _ id: RolloutID, otherThan revision: String, waitSeconds: Int, cancellation: CurlCancellation? = nil
    ) throws(OrchestratorError) -> RevisedRollout? {
        var call = APICall.get("rollouts/\(id)").until(cancellation)
        let wait = min(50, max(1, waitSeconds))
        call.headers = [(name: "If-None-Match", value: revision), (name: "Prefer", value: "wait=\(wait)")]
        call.timeoutSeconds = Double(wait) + Self.pollMarginSeconds
        let response = try send(call)
        guard response.status != 304 else { return nil }
        let rollout = try WireJSON.decode(RolloutResource.self, from: response.body, of: call.description)
        return RevisedRollout(rollout: rollout, revision: response.header("ETag"))
    }

    /// Gives a rollout a command; `retry` answers with the new rollout it started.
    ///
    /// - Parameter reason: why, 1 to 500 characters; kept in the audit log.
    public func command(
        _ command: RolloutCommand, rollout: RolloutID, reason: String
    ) throws(OrchestratorError) -> RolloutResource {
        try call(
            .sending("POST", "rollouts/\(rollout)/commands", RolloutCommandRequest(command: command, reason: reason))
                .once())
    }

    /// Approves that a rollout starts; its author cannot.
    ///
    /// - Parameter reason: why, 1 to 500 characters; kept in the audit log.
    public func approve(_ rollout: RolloutID, reason: String) throws(OrchestratorError) -> RolloutResource {
        try call(.sending("POST", "rollouts/\(rollout)/approvals", ApprovalRequest(reason: reason)).once())
    }

    /// Says whether an alarm was right and answers with the decision as it is then; nil takes back what was said.
    ///
    /// - Parameter number: the decision's, counted from 1 within the rollout.
    public func label(
        _ label: DecisionLabel.Value?, decision number: Int, of rollout: RolloutID
    ) throws(OrchestratorError) -> Decision {
        let path = "rollouts/\(rollout)/decisions/\(number)/label"
        guard let label else { return try call(.delete(path)) }
        return try call(.sending("PUT", path, DecisionLabelRequest(label: label)))
    }

    /// The decisions of a rollout, oldest first.
    public func decisions(of rollout: RolloutID) throws(OrchestratorError) -> [Decision] {
        try all(.get("rollouts/\(rollout)/decisions"))
    }

    /// Everything the decisions of a rollout rest on.
    public func evidence(of rollout: RolloutID) throws(OrchestratorError) -> RolloutEvidence {
        var call = APICall.get("rollouts/\(rollout)/evidence")
        call.timeoutSeconds = 300
        call.maxResponseBytes = 1 << 30
        return try self.call(call)
    }

    /// What a plan can find, and how soon, by the fleet's own history; takes the controller some seconds.
    public func forecast(_ request: ForecastRequest) throws(OrchestratorError) -> PlanForecast {
        var call = try APICall.sending("POST", "forecasts", request)
        call.timeoutSeconds = 300
        return try self.call(call)
    }
}
