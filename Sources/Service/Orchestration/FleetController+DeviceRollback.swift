public import Fleet
import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func rollBack(
        _ id: DeviceID, _ request: DeviceRollbackRequest, by caller: Caller
    ) throws -> DeviceResource {
        let reason = try request.reason.asReason
        let target = try version(request.version, of: request.model)
        try transact { draft in
            guard let device = draft.state.devices[id], device.retiredAt == nil else { throw Problem.unknownDevice(id) }
            guard let slot = device.slots.first(where: { $0.model == request.model }), let run = slot.run else {
                throw Problem.conflict(
                    "nothing_to_return_from",
                    "device \(id) was never told to run \(request.model); deploy a version to it first")
            }
            guard run.digest != target.digest else { return }
            try draft.state.requireEarlier(target, than: run, of: request.model)
            try draft.sendBack(device, slot, to: VersionReference(name: target.version, digest: target.digest))
            draft.audit(
                caller.auditName, "device.rollback", "device/\(id)",
                [
                    "model": request.model.rawValue, "from": run.name.rawValue, "to": target.version.rawValue,
                    "reason": reason,
                ])
        }
        return try device(id)
    }
}

extension FleetState {
    /// Refuses a version that is no way back: a later one has to prove itself in a rollout.
    fileprivate func requireEarlier(
        _ target: VersionResource, than run: VersionReference, of model: ModelName
    ) throws(Problem) {
        guard !isRevoked(target.publisher) else {
            throw Problem.conflict(
                "publisher_revoked",
                "\(model) \(target.version) is signed by a key that its publishers revoked, and no device installs it")
        }
        guard target.artifactsRemovedAt == nil else {
            throw Problem.conflict("artifacts_removed", target.pushAgainRemedy)
        }
        guard let current = versions[run.digest] else { return }
        guard (target.releaseCounter, target.createdAt) < (current.releaseCounter, current.createdAt) else {
            throw Problem.conflict(
                "not_earlier",
                "\(model) \(target.version) is no earlier version than \(run.name); a rollback goes back, for a later "
                    + "version change the deployment")
        }
    }
}

extension FleetDraft {
    /// Assigns a device the version to return to; a rollout that it takes part in learns of it.
    ///
    /// The deployment keeps its wanted version: the device has the earlier one until a later version is promoted.
    fileprivate mutating func sendBack(
        _ device: StoredDevice, _ slot: StoredSlot, to target: VersionReference
    ) throws(Problem) {
        let active = slot.deployment.flatMap { state.activeRollout(of: $0) }
        if let active, active.rollout.involves(device.id) || active.listed.contains(device.id) {
            let rollout = active.rollout
            guard rollout.mayLeave(device.id, for: target) else {
                throw Problem.conflict("device_in_rollout", rollout.whyNobodyLeaves(device.id))
            }
            change(rollout.id) { rollout, now in
                rollout.deviceFailed(device.id, reason: "returned_by_person", at: now)
            }
            if var returned = state.devices[device.id] {
                returned.noteReturn(of: slot.model, from: rollout.to)
                put(returned)
            }
            return
        }
        guard let deployment = slot.deployment else {
            throw Problem.conflict(
                "nothing_to_return_from",
                "device \(device.id) has \(slot.model) by no deployment any more; deploy a version to it first")
        }
        var returned = device
        returned.assign(
            SlotAssignment(
                model: slot.model, run: target, fallback: target, deployment: deployment, rollout: nil),
            onPurpose: true)
        returned.noteReturn(of: slot.model, from: state.settledVersion(of: deployment) ?? slot.run)
        put(returned)
    }
}

extension StoredDevice {
    /// Keeps what a person sent the device back from: only what comes later reaches it again by itself.
    fileprivate mutating func noteReturn(of model: ModelName, from version: VersionReference?) {
        guard let index = slots.firstIndex(where: { $0.model == model }) else { return }
        slots[index].returnedFrom = version?.digest
    }
}

extension Rollout {
    /// Whether a device is on its way to the new version, runs it, or is on its way back.
    fileprivate func involves(_ device: DeviceID) -> Bool {
        switch members[device]?.progress {
        case .drawn, .commanded, .exposed, .unseen, .returning: true
        case .failed, .restored, nil: false
        }
    }

    /// Whether a device may be sent back alone: from the new version to the one it came from.
    fileprivate func mayLeave(_ device: DeviceID, for target: VersionReference) -> Bool {
        guard !isPlacebo, target == from else { return false }
        switch members[device]?.progress {
        case .commanded, .exposed, .unseen: return true
        case .drawn, .returning, .failed, .restored, nil: return false
        }
    }

    fileprivate func whyNobodyLeaves(_ device: DeviceID) -> String {
        let state = "device \(device) is part of rollout \(id), which is \(state.rawValue)"
        guard let from, !isPlacebo, mayLeave(device, for: from) else {
            return state + "; wait for its end, or `edgectl rollout rollback \(id)` takes every device back"
        }
        return state + "; alone it can return to \(from.name) only, and `edgectl rollout rollback \(id)` takes every "
            + "device back"
    }
}
