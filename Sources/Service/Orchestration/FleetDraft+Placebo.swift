import Fleet
import Rollouts
import WireFormat

extension FleetDraft {
    /// The step after which a device serves, as its reports name it.
    private static let deployStep = "deploy"

    // MARK: - Starting and ending

    /// Starts the placebo rollouts whose moment has come, in deployments that are settled.
    mutating func startDuePlacebos(salt: () -> UInt64) {
        for deployment in state.deployments.values.sorted(by: { $0.name < $1.name }) {
            guard let schedule = deployment.placebo, let settled = state.restingVersion(of: deployment) else {
                continue
            }
            let last = state.rollouts(of: deployment.name).last { $0.rollout.isPlacebo }?.rollout.createdAt
            guard schedule.isDue(at: now, after: last, key: settled.key) else { continue }
            let rollout = Rollout(
                placebo: nextRolloutID(of: deployment.name), of: settled.version, deployment: deployment,
                policy: state.policy(for: deployment) ?? FleetState.standardPolicy, salt: salt(), at: now)
            audit(
                "controller", "placebo.start", "rollout/\(rollout.id)",
                ["deployment": deployment.name.rawValue, "version": settled.version.name.rawValue])
            _ = start(rollout, of: deployment)
        }
    }

    /// Ends the placebo rollout of a deployment, where one is under way.
    mutating func withdrawPlacebo(of deployment: DeploymentName) {
        guard let active = state.activeRollout(of: deployment)?.rollout, active.isPlacebo else { return }
        change(active.id) { rollout, now in rollout.placeboWithdrawn(at: now) }
    }

    // MARK: - Devices

    /// Orders devices to install the version they run once more; each order is an assignment with a number of its own.
    mutating func reinstall(on devices: [DeviceID], for rollout: Rollout) {
        changeSlots(of: devices, rollout.model) { slot, number in
            slot.rollout = rollout.id
            number += 1
            slot.number = number
        }
    }

    /// Takes devices out of a placebo rollout.
    ///
    /// They run what they ran, so their assignments keep their numbers; who has
    /// not begun does not begin any more.
    mutating func leave(_ devices: [DeviceID], to rollout: Rollout) {
        changeSlots(of: devices, rollout.model) { slot, _ in
            if slot.rollout == rollout.id { slot.rollout = nil }
        }
    }

    mutating func changeSlots(
        of devices: [DeviceID], _ model: ModelName, _ change: (inout StoredSlot, inout UInt64) -> Void
    ) {
        for id in devices {
            guard var device = state.devices[id], let index = device.slots.firstIndex(where: { $0.model == model })
            else { continue }
            change(&device.slots[index], &device.assignmentNumber)
            put(device)
        }
    }

    /// A device has done a step; the one after which it serves exposes it to a placebo.
    ///
    /// What it runs does not tell: that is the same before and after. An agent that does not know the order keeps what
    /// it runs, never tells of this step, and so is never taken for exposed.
    mutating func reinstalled(_ report: AttemptReport, by device: DeviceID) {
        guard report.step == Self.deployStep,
            let slot = state.devices[device]?.slots.first(where: { $0.model == report.model }),
            slot.number == report.assignment, let id = slot.rollout,
            state.rollouts[id]?.rollout.isPlacebo == true
        else { return }
        change(id) { rollout, now in rollout.deviceExposed(device, at: now) }
    }
}

extension FleetState {
    /// The version of a deployment that rests: its last rollout is over and completed, and no other one is wanted.
    ///
    /// Its key is the salt of that rollout: nobody can guess it, and it stays as long as the version.
    func restingVersion(of deployment: Deployment) -> (version: VersionReference, key: UInt64)? {
        let rollouts = rollouts(of: deployment.name).map(\.rollout)
        guard let last = rollouts.last(where: { !$0.isPlacebo }), last.state == .completed,
            last.to.name == deployment.version, rollouts.allSatisfy(\.state.isFinal)
        else { return nil }
        return (last.to, last.salt)
    }
}

extension TrackedRollout {
    /// Whether what a device counted on a version in this tick is the new version's.
    ///
    /// In a placebo rollout both are the same: what the device counts is the new one's from the tick after its
    /// exposure on.
    func isNew(_ digest: Digest, on device: DeviceID) -> Bool {
        guard digest == rollout.to.digest else { return false }
        guard rollout.isPlacebo else { return true }
        guard let last = lastTickAt, case .exposed(let since) = rollout.members[device]?.progress else { return false }
        return since <= last
    }
}
