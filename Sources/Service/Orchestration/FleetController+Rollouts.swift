public import Fleet
import Foundation
public import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func rollouts(model: ModelName?, active: Bool?) -> [RolloutResource] {
        let state = state
        return state.rollouts.values.filter { tracked in
            (model.map { tracked.rollout.model == $0 } ?? true)
                && (active.map { tracked.rollout.state.isFinal != $0 } ?? true)
        }.sorted { ($0.rollout.createdAt, $0.rollout.id) > ($1.rollout.createdAt, $1.rollout.id) }
            .map { state.resource(of: $0, at: now) }
    }

    /// See ``FleetOperations``.
    public func rollout(_ id: RolloutID) throws -> (resource: RolloutResource, revision: UInt64) {
        let tracked = try tracked(id)
        return (state.resource(of: tracked, at: now), tracked.revision)
    }

    /// See ``FleetOperations``.
    public func command(
        _ request: RolloutCommandRequest, rollout id: RolloutID, by caller: Caller
    ) throws -> RolloutResource {
        guard (1...500).contains(request.reason.count) else {
            throw Problem.invalid([FieldFault(field: "reason", remedy: "say why in 1 to 500 characters")])
        }
        let rollout = try tracked(id).rollout
        let salt = newSalt()
        let shown = try transact { draft in
            guard request.command != .retry else {
                let fresh = try draft.retry(rollout, by: caller.auditName, salt: salt)
                draft.audit(
                    caller.auditName, "rollout.retry", "rollout/\(id)",
                    ["reason": request.reason, "rollout": fresh.rawValue])
                return fresh
            }
            do {
                try draft.change(id) { rollout, now in
                    try rollout.commanded(request.command, by: caller.auditName, reason: request.reason, at: now)
                }
            } catch let refusal as CommandRefusal {
                throw Problem.conflict("command_refused", refusal.description)
            }
            return id
        }
        return try tracked(shown).resource
    }

    /// See ``FleetOperations``.
    public func label(
        _ label: DecisionLabel.Value?, decision number: Int, of id: RolloutID, by caller: Caller
    ) throws -> Decision {
        try transact { draft in
            let decisions = try tracked(id).decisions
            guard let decision = decisions.first(where: { $0.number == number }) else {
                throw Problem.unknown(
                    "decision", "\(number) of \(id)", "it has \(decisions.count); `edgectl rollout show \(id)`")
            }
            guard decision.isAlarm else {
                throw Problem.conflict(
                    "no_alarm",
                    "decision \(number) of \(id) is no alarm of the controller: label its holds, halts and "
                        + "rollbacks")
            }
            guard decision.label?.value != label else { return decision }
            return draft.label(decision, of: id, as: label, by: caller.auditName)
        }
    }

    /// See ``FleetOperations``.
    public func evidence(_ id: RolloutID) throws -> RolloutEvidence {
        let tracked = try tracked(id)
        if let removed = tracked.rollout.evidenceRemovedAt {
            var evidence = RolloutEvidence(
                rollout: id, steps: [], metrics: tracked.rollout.policy.metrics, decisions: tracked.decisions)
            evidence.removedAt = removed
            return evidence
        }
        let store = surroundings.store
        let steps = try tracked.rollout.steps.compactMap { step -> StepEvidence? in
            guard let stored = try store.experiment(rollout: id, step: step.number) else { return nil }
            let rows = try store.evidence(rollout: id, step: step.number)
            return StepEvidence(
                step: step.number, experiment: stored.experiment,
                rows: rows.map { Data($0.bytes).base64EncodedString() })
        }
        return RolloutEvidence(
            rollout: id, steps: steps, metrics: tracked.rollout.policy.metrics, decisions: tracked.decisions)
    }

    private func tracked(_ id: RolloutID) throws -> TrackedRollout {
        guard let tracked = state.rollouts[id] else {
            throw Problem.unknown("rollout", id.rawValue, "`edgectl rollout list` shows the rollouts")
        }
        return tracked
    }
}

extension TrackedRollout {
    /// The rollout as operators see it.
    var resource: RolloutResource {
        var shown = RolloutResource(
            id: rollout.id, deployment: rollout.deployment, model: rollout.model, from: rollout.from, to: rollout.to,
            state: rollout.state, step: rollout.drawnSteps, steps: rollout.plannedSteps, policy: rollout.policy,
            createdAt: rollout.createdAt)
        shown.placebo = rollout.placebo
        shown.budget = rollout.budget
        shown.guarantee = rollout.guarantee?.sentence
        shown.waitReason = rollout.wait?.reason
        shown.waitSentence = rollout.wait?.sentence
        shown.waitSince = rollout.wait?.since
        shown.method = rollout.currentStep?.method
        shown.stepStartedAt = rollout.currentStep?.startedAt
        shown.stepDeadlineAt = rollout.currentStep?.deadlineAt
        shown.progress = progress
        shown.judgement = judgements.last
        shown.decisions = decisions
        shown.firstExposedAt = rollout.firstExposedAt
        shown.endedAt = rollout.endedAt
        shown.evidenceRemovedAt = rollout.evidenceRemovedAt
        shown.author = rollout.author
        shown.approvals = rollout.approvals
        if !rollout.state.isFinal, rollout.approvalsMissing > 0 { shown.approvalsMissing = rollout.approvalsMissing }
        return shown
    }

    private var progress: RolloutResource.Progress {
        var progress = RolloutResource.Progress(drawn: rollout.members.count)
        for member in rollout.members.values {
            if member.wasCommanded { progress.commanded += 1 }
            switch member.progress {
            case .drawn, .commanded, .unseen: break
            case .exposed: progress.exposed += 1
            case .failed: progress.failed += 1
            case .returning: progress.returning += 1
            case .restored: progress.restored += 1
            }
        }
        return progress
    }
}
