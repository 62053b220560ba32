public import Fleet
import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func approve(
        _ request: ApprovalRequest, rollout id: RolloutID, by caller: Caller
    ) throws -> RolloutResource {
        guard (1...500).contains(request.reason.count) else {
            throw Problem.invalid([FieldFault(field: "reason", remedy: "say why in 1 to 500 characters")])
        }
        guard case .person(let known) = caller, known.holder == .person else { throw Problem.personNeeded }
        _ = try rollout(id)
        try transact { draft in
            draft.audit(known.name, "rollout.approve", "rollout/\(id)", ["reason": request.reason, "key": known.id])
            do {
                try draft.change(id) { rollout, now in
                    try rollout.approved(by: known.name, reason: request.reason, at: now)
                }
            } catch let refusal as ApprovalRefusal {
                throw Problem.refusedApproval(refusal)
            }
        }
        return try rollout(id).resource
    }
}

extension FleetState {
    /// How many people other than its author must approve a rollout of a deployment.
    func approvals(for deployment: Deployment) -> Int { policy(for: deployment)?.approvals ?? 0 }

    /// A rollout as operators see it, with who is awaited.
    func resource(of tracked: TrackedRollout, at now: Timestamp) -> RolloutResource {
        var shown = tracked.resource
        guard shown.approvalsMissing != nil, let deployment = deployments[shown.deployment] else { return shown }
        let done = [shown.author].compactMap { $0 } + (shown.approvals ?? []).map(\.by)
        let names = apiKeys.values.filter { key in
            let known = key.holderOfIt
            return known.holder == .person && known.role.permissions.contains(.release)
                && known.scope.includes(model: deployment.model, on: deployment.selector)
                && key.expiresAt.map { $0 > now } ?? true
                && !done.contains { Rollout.isOnePerson($0, known.name) }
        }.map(\.name)
        shown.approvers = Array(Set(names).sorted().prefix(20))
        return shown
    }
}

extension Problem {
    fileprivate static let personNeeded = Problem(
        code: "person_needed", title: "Not allowed", status: 403,
        detail: "only a person approves a rollout, and this key is a machine's")

    fileprivate static func refusedApproval(_ refusal: ApprovalRefusal) -> Problem {
        switch refusal {
        case .notAwaited: .conflict("approval_not_awaited", refusal.description)
        case .author, .given:
            Problem(code: "other_person_needed", title: "Not allowed", status: 403, detail: refusal.description)
        }
    }

    /// Who may release cannot take back by themselves what a policy demands of others.
    static func approvalsKept(_ noun: String) -> Problem {
        Problem(
            code: "approvals_kept", title: "Not allowed", status: 403,
            detail: "\(noun) would take back approvals that a policy demands; an admin may do that")
    }
}
