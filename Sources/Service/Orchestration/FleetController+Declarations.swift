public import Fleet
public import Rollouts
public import WireFormat

extension FleetController {
    // MARK: - Policies

    /// See ``FleetOperations``.
    public func policies() -> [Policy] {
        var policies = state.policies
        let standard = FleetState.standardPolicy
        if policies[standard.name] == nil { policies[standard.name] = standard }
        return policies.values.sorted { $0.name < $1.name }
    }

    /// See ``FleetOperations``.
    public func policy(_ name: PolicyName) throws -> Policy {
        guard let policy = policies().first(where: { $0.name == name }) else {
            throw Problem.unknown("policy", name.rawValue, "apply it first, or use \"default\"")
        }
        return policy
    }

    /// See ``FleetOperations``.
    public func apply(_ policy: Policy, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Policy> {
        guard policy.faults.isEmpty else { throw Problem.invalid(policy.faults) }
        return try run(dryRun: dryRun) { draft in
            let before = draft.state.policies[policy.name]
            guard before != policy else { return ApplyResult(change: .unchanged, resource: policy) }
            guard policy.approvals >= before?.approvals ?? 0 || caller.may(.administer) else {
                throw Problem.approvalsKept("this policy")
            }
            draft.state.policies[policy.name] = policy
            draft.add(.policy(policy))
            draft.audit(caller.auditName, "policy.apply", "policy/\(policy.name)")
            let running = draft.state.rollouts.values.filter {
                !$0.rollout.state.isFinal && $0.rollout.policy.name == policy.name
            }
            return ApplyResult(
                change: before == nil ? .created : .updated, resource: policy,
                warnings: running.isEmpty
                    ? []
                    : ["rollouts that are under way keep the policy they started with"])
        }
    }

    /// See ``FleetOperations``.
    public func removePolicy(_ name: PolicyName, by caller: Caller) throws {
        try transact { draft in
            let users = draft.state.deployments.values.filter { $0.policy == name }.map(\.name.rawValue).sorted()
            guard users.isEmpty else {
                throw Problem.conflict(
                    "policy_in_use", "policy \(name) is used by \(users.joined(separator: ", ")); change them first")
            }
            guard let policy = draft.state.policies.removeValue(forKey: name) else {
                throw Problem.unknown("policy", name.rawValue, "`edgectl get` shows the policies")
            }
            guard policy.approvals == 0 || caller.may(.administer) else {
                throw Problem.approvalsKept("removing policy \(name)")
            }
            draft.add(.policyRemoved(name))
            draft.audit(caller.auditName, "policy.remove", "policy/\(name)")
        }
    }

    // MARK: - Deployments

    /// See ``FleetOperations``.
    public func deployments() -> [Deployment] {
        state.deployments.values.sorted { $0.name < $1.name }
    }

    /// See ``FleetOperations``.
    public func deployment(_ name: DeploymentName) throws -> Deployment {
        guard let deployment = state.deployments[name] else {
            throw Problem.unknown("deployment", name.rawValue, "`edgectl apply -f` makes one")
        }
        return deployment
    }

    /// See ``FleetOperations``.
    public func apply(_ deployment: Deployment, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Deployment> {
        let salt = newSalt()
        return try run(dryRun: dryRun) { draft in
            let wanted = try draft.state.checked(deployment)
            let before = draft.state.deployments[deployment.name]
            if let before, before.model != deployment.model {
                throw Problem.conflict(
                    "model_fixed", "deployment \(deployment.name) is for model \(before.model); make another deployment"
                )
            }
            let demanded = before.map { draft.state.approvals(for: $0) } ?? 0
            guard draft.state.approvals(for: deployment) >= demanded || caller.may(.administer) else {
                throw Problem.approvalsKept("this deployment")
            }
            let change: ApplyResult<Deployment>.Change =
                before == nil ? .created : before == deployment ? .unchanged : .updated
            if change != .unchanged {
                draft.state.deployments[deployment.name] = deployment
                draft.add(.deployment(deployment))
                draft.audit(
                    caller.auditName, "deployment.apply", "deployment/\(deployment.name)", deployment.auditDetail)
            }
            if deployment.placebo == nil { draft.withdrawPlacebo(of: deployment.name) }
            var result = ApplyResult(change: change, resource: deployment)
            switch draft.startRolloutIfNeeded(deployment, to: wanted, by: caller.auditName, salt: salt) {
            case .started(let id): result.rollout = id
            case .running(let id): result.rollout = id
            case .settled: break
            case .rolledBackBefore(let id):
                result.rollout = id
                result.warnings.append(
                    "\(deployment.version) was rolled back (\(id)) and is not started again by applying; "
                        + "use `edgectl rollout retry \(id)`")
            }
            draft.reconcileAll(of: deployment)
            if let rollout = result.rollout.flatMap({ draft.state.rollouts[$0]?.rollout }), !rollout.state.isFinal,
                rollout.approvalsMissing > 0
            {
                result.warnings.append(
                    "\(rollout.id) starts when \(rollout.approvalsMissing) other "
                        + (rollout.approvalsMissing == 1 ? "person approves" : "people approve")
                        + " it: `edgectl rollout approve \(rollout.id)`")
            }
            return result
        }
    }

    /// See ``FleetOperations``.
    public func removeDeployment(_ name: DeploymentName, by caller: Caller) throws {
        try transact { draft in
            guard let deployment = draft.state.deployments[name] else {
                throw Problem.unknown("deployment", name.rawValue, "`edgectl get` shows the deployments")
            }
            guard draft.state.approvals(for: deployment) == 0 || caller.may(.administer) else {
                throw Problem.approvalsKept("removing deployment \(name)")
            }
            draft.withdrawPlacebo(of: name)
            if let active = draft.state.activeRollout(of: name)?.rollout, active.state != .watching {
                throw Problem.conflict(
                    "rollout_active",
                    "rollout \(active.id) is \(active.state.rawValue); roll it back or let it end first")
            }
            draft.state.deployments[name] = nil
            draft.add(.deploymentRemoved(name))
            draft.audit(caller.auditName, "deployment.remove", "deployment/\(name)")
            for var device in draft.state.devices.values.sorted(by: { $0.id < $1.id })
            where device.slots.contains(where: { $0.deployment == name }) {
                for index in device.slots.indices where device.slots[index].deployment == name {
                    device.slots[index].deployment = nil
                }
                draft.put(device)
            }
        }
    }

    func newSalt() -> UInt64 {
        surroundings.cryptography.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func run<Result>(dryRun: Bool, _ body: (inout FleetDraft) throws -> Result) throws -> Result {
        dryRun ? try rehearse(body) : try transact(body)
    }
}

extension Deployment {
    /// What the audit log keeps of an applied deployment.
    fileprivate var auditDetail: [String: String] {
        var detail = ["version": version.rawValue, "selector": selector.description]
        detail["devices"] = devices.map { $0.map(\.rawValue).joined(separator: ",") }
        return detail
    }
}

extension FleetState {
    /// The version a deployment wants, where everything it names exists.
    ///
    /// - Throws: a problem with all faults at once.
    func checked(_ deployment: Deployment) throws -> VersionReference {
        var faults = deployment.placebo?.faults ?? []
        let version = version(deployment.version, of: deployment.model)
        if !versions.values.contains(where: { $0.model == deployment.model }) {
            faults.append(
                FieldFault(field: "model", remedy: "there is no model \(deployment.model); push a version of it first"))
        } else if version == nil {
            let known = versions.values.filter { $0.model == deployment.model }.map(\.version.rawValue).sorted()
            faults.append(
                FieldFault(
                    field: "version",
                    remedy: "\(deployment.model) has no version \(deployment.version); push it first or use one of "
                        + known.suffix(5).joined(separator: ", ")))
        }
        if let version, isRevoked(version.publisher) {
            faults.append(
                FieldFault(
                    field: "version",
                    remedy: "\(deployment.model) \(deployment.version) is signed by a key that its publishers revoked, "
                        + "and no device installs it; sign it again with a key that counts (`edgectl model push`)"))
        }
        if let version, version.artifactsRemovedAt != nil {
            faults.append(FieldFault(field: "version", remedy: version.pushAgainRemedy))
        }
        if policy(for: deployment) == nil {
            faults.append(
                FieldFault(field: "policy", remedy: "there is no such policy; apply it first or leave the field out"))
        }
        if !devices.values.contains(where: { $0.isEligible && deployment.selector.matches($0.labels) }) {
            faults.append(
                FieldFault(
                    field: "selector",
                    remedy: "\"\(deployment.selector)\" matches no enrolled device; enrol devices first "
                        + "(`edgectl token create`) or change the selector"))
        }
        if let named = deployment.devices { faults += deviceFaults(named, of: deployment) }
        if let canaries = deployment.canaries { faults += canaryFaults(canaries, of: deployment) }
        guard faults.isEmpty, let version else { throw Problem.invalid(faults) }
        return VersionReference(name: version.version, digest: version.digest)
    }

    /// What is wrong with the devices that a person named.
    private func deviceFaults(_ named: [DeviceID], of deployment: Deployment) -> [FieldFault] {
        guard (1...Deployment.deviceLimit).contains(named.count) else {
            let remedy = "name 1 to \(Deployment.deviceLimit) devices, or leave the field out and select by labels"
            return [FieldFault(field: "devices", remedy: remedy)]
        }
        func list(_ ids: [DeviceID]) -> String { ids.map(\.rawValue).joined(separator: ", ") }
        var remedies: [String] = []
        let unknown = named.filter { devices[$0].map { $0.retiredAt != nil } ?? true }
        if !unknown.isEmpty {
            remedies.append("no such device is enrolled: \(list(unknown)); `edgectl device list` shows the ids")
        }
        let known = named.compactMap { devices[$0] }.filter { $0.retiredAt == nil }
        let outside = known.filter { !deployment.selector.matches($0.labels) }.map(\.id)
        if !outside.isEmpty {
            remedies.append("\"\(deployment.selector)\" does not match \(list(outside)); change the selector")
        }
        for device in known {
            guard let other = device.slots.first(where: { $0.model == deployment.model })?.deployment,
                other != deployment.name
            else { continue }
            remedies.append(
                "\(device.id) has \(deployment.model) by deployment \(other); deploy to that one, or remove it first")
        }
        return remedies.map { FieldFault(field: "devices", remedy: $0) }
    }

    /// What is wrong with the canaries that a person picked.
    private func canaryFaults(_ canaries: PickedCanaries, of deployment: Deployment) -> [FieldFault] {
        let own = devices(of: deployment)
        var remedies: [String] = []
        if case .devices(let ids) = canaries {
            let known = Set(own.map(\.id))
            let outside = ids.filter { !known.contains($0) }
            let unknown = outside.filter { devices[$0].map { $0.retiredAt != nil } ?? true }
            let others = outside.filter { !unknown.contains($0) }
            func list(_ ids: [DeviceID]) -> String { ids.map(\.rawValue).joined(separator: ", ") }
            if !unknown.isEmpty {
                remedies.append("no such device is enrolled: \(list(unknown)); `edgectl device list` shows the ids")
            }
            if !others.isEmpty {
                remedies.append(
                    "not under this deployment: \(list(others)); pick devices that \"\(deployment.selector)\" matches")
            }
        }
        let picked = own.count { canaries.contains($0.id, labels: $0.labels) }
        if picked == 0, remedies.isEmpty {
            remedies.append("\"\(canaries)\" matches no device of this deployment; pick at least four of its devices")
        }
        if picked > 0, picked == own.count {
            remedies.append("all \(picked) devices are picked and none is left to compare with; pick fewer")
        }
        return remedies.map { FieldFault(field: "canaries", remedy: $0) }
    }
}
