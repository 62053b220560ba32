public import Fleet
public import Rollouts
public import WireFormat

extension Orchestrator {
    // MARK: - Policies

    /// All policies by name, the built-in `default` among them.
    public func policies() throws(OrchestratorError) -> [Policy] {
        try all(.get("policies"))
    }

    /// One policy.
    public func policy(_ name: PolicyName) throws(OrchestratorError) -> Policy {
        try call(.get("policies/\(name)"))
    }

    /// Applies a policy; with `dryRun` the controller only says what would happen.
    public func apply(_ policy: Policy, dryRun: Bool = false) throws(OrchestratorError) -> ApplyResult<Policy> {
        try call(.sending("PUT", "policies/\(policy.name)", policy).asking("dryRun", dryRun ? "true" : nil))
    }

    /// Removes a policy that no deployment uses.
    public func removePolicy(_ name: PolicyName) throws(OrchestratorError) {
        try perform(.delete("policies/\(name)"))
    }

    // MARK: - Deployments

    /// All deployments by name.
    public func deployments() throws(OrchestratorError) -> [Deployment] {
        try all(.get("deployments"))
    }

    /// One deployment.
    public func deployment(_ name: DeploymentName) throws(OrchestratorError) -> Deployment {
        try call(.get("deployments/\(name)"))
    }

    /// Applies a deployment; a changed version starts a rollout, unless `dryRun` asks for the answer only.
    public func apply(
        _ deployment: Deployment, dryRun: Bool = false
    ) throws(OrchestratorError) -> ApplyResult<Deployment> {
        try call(.sending("PUT", "deployments/\(deployment.name)", deployment).asking("dryRun", dryRun ? "true" : nil))
    }

    /// Removes a deployment; its devices keep what they run.
    public func removeDeployment(_ name: DeploymentName) throws(OrchestratorError) {
        try perform(.delete("deployments/\(name)"))
    }
}
