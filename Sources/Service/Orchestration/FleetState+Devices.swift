import Fleet
import Rollouts

extension FleetState {
    /// How lately a device must have been seen to be eligible, in seconds: ten minutes.
    static let eligibleWithinSeconds = 600.0

    /// The devices in service that are under a deployment, by id.
    func devices(of deployment: Deployment) -> [StoredDevice] {
        devices.values.filter { $0.isEligible && deployment.includes($0.id, labels: $0.labels) }
            .sorted { $0.id < $1.id }
    }

    /// The devices a step may draw from: in service, under the deployment, assigned and running the version the
    /// rollout comes from, and never drawn by an earlier step.
    ///
    /// Who was seen lately is asked of the telemetry.
    func candidates(for rollout: Rollout) -> [StoredDevice] {
        guard let deployment = deployments[rollout.deployment], let from = rollout.from else { return [] }
        return devices(of: deployment).filter { device in
            guard rollout.members[device.id] == nil,
                let slot = device.slots.first(where: { $0.model == rollout.model })
            else { return false }
            return slot.deployment == rollout.deployment && slot.run == from && slot.running == from.digest
        }
    }

    /// The devices that a rollout has still to reach and does not hold back.
    func rest(of tracked: TrackedRollout) -> [DeviceID] {
        guard let deployment = deployments[tracked.rollout.deployment] else { return [] }
        return devices(of: deployment).filter { device in
            guard let slot = device.slots.first(where: { $0.model == tracked.rollout.model }) else { return false }
            return slot.deployment == tracked.rollout.deployment && slot.run != tracked.rollout.to
                && tracked.rollout.members[device.id] == nil
                && tracked.rollout.heldBack?.contains(device.id) != true
        }.map(\.id)
    }

    /// The devices that a first installation still has to reach.
    func freshDevices(for rollout: Rollout) -> [DeviceID] {
        guard let deployment = deployments[rollout.deployment] else { return [] }
        return devices(of: deployment).filter { device in
            let slot = device.slots.first { $0.model == rollout.model }
            return slot?.deployment == nil || (slot?.deployment == rollout.deployment && slot?.run != rollout.to)
        }.map(\.id)
    }
}
