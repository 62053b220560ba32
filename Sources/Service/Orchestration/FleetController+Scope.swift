import Fleet
import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func includes(_ subject: ScopeSubject, in scope: OperatorScope) -> Bool {
        guard !scope.isEverything else { return true }
        let state = state
        switch subject {
        case .device(let id): return state.devices[id].map { scope.includes(labels: $0.labels) } ?? false
        case .model(let name): return scope.includes(model: name)
        case .version(let digest): return state.versions[digest].map { scope.includes(model: $0.model) } ?? false
        case .artifact(let digest):
            return scope.models.isEmpty
                || state.versions.values.contains { version in
                    scope.includes(model: version.model) && version.files.contains { $0.digest == digest }
                }
        case .policy(let name):
            let users = state.deployments.values.filter { $0.policy == name }
            return name != FleetState.standardPolicy.name
                && users.allSatisfy { scope.includes(model: $0.model, on: $0.selector) }
        case .deployment(let name): return state.includes(deployment: name, in: scope)
        case .rollout(let id):
            return state.rollouts[id].map { state.includes(deployment: $0.rollout.deployment, in: scope) } ?? false
        }
    }
}

extension FleetState {
    fileprivate func includes(deployment name: DeploymentName, in scope: OperatorScope) -> Bool {
        deployments[name].map { scope.includes(model: $0.model, on: $0.selector) } ?? false
    }
}
