import Fleet
import Rollouts
import WireFormat

/// What devices told of their attempts.
extension FleetDraft {
    /// A device told what became of an attempt.
    mutating func took(_ report: AttemptReport, from id: DeviceID) {
        var detail = ["model": report.model.rawValue, "step": report.step, "outcome": report.outcome.rawValue]
        detail["reason"] = report.reason
        noteOutcome(of: report, on: id)
        switch report.outcome {
        case .stepDone:
            reinstalled(report, by: id)
            return
        case .succeeded:
            break
        case .failed, .rolledBack, .rejected:
            detail["detail"] = report.detail.map { String($0.prefix(4096)) }
            let assigned = state.devices[id]?.slots.first { $0.model == report.model }
            guard let assigned, assigned.number == report.assignment,
                let rollout = assigned.rollout ?? firstInstallation(of: assigned)
            else { break }
            let isSetAside = state.devices[id]?.isEligible != true
            let reason = isSetAside ? RolloutMember.setAside : report.reason ?? report.outcome.rawValue
            change(rollout) { rollout, now in rollout.deviceFailed(id, reason: reason, at: now) }
        }
        audit("device:\(id)", "attempt.\(report.outcome.rawValue)", "device/\(id)", detail)
    }

    /// Keeps on the slot why it does not run what it was told, for as long as that is so.
    private mutating func noteOutcome(of report: AttemptReport, on id: DeviceID) {
        guard report.outcome != .stepDone, var device = state.devices[id],
            let index = device.slots.firstIndex(where: { $0.model == report.model }),
            device.slots[index].number == report.assignment
        else { return }
        let failure = report.outcome == .succeeded ? nil : report.reason ?? report.outcome.rawValue
        guard device.slots[index].failedReason != failure else { return }
        device.slots[index].failedReason = failure
        put(device)
    }

    /// The first installation that a slot waits for; its assignments name no rollout, because none of them is a
    /// canary's.
    private func firstInstallation(of slot: StoredSlot) -> RolloutID? {
        guard let first = slot.deployment.flatMap(state.activeRollout)?.rollout, first.from == nil else { return nil }
        return first.to == slot.run ? first.id : nil
    }
}
