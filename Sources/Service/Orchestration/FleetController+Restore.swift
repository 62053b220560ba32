import Fleet
import Rollouts
import WireFormat

extension FleetController {
    /// Carries out what follows from a restore that nobody followed yet.
    ///
    /// It is done by whoever opens a restored database first, in one commit, so that no controller serves one as it was
    /// when the backup was taken.
    ///
    /// - Throws: what the store throws.
    func followRestore() throws {
        guard let restore = state.restores.last, restore.numberFloor == nil else { return }
        try transact { $0.follow(restore) }
        surroundings.log.warning(
            "restored from a backup",
            [
                "backup": restore.backup, "taken": "\(restore.takenAt)", "first number": "\(state.numberFloor + 1)",
                "remedy": "decide about every halted rollout: edgectl rollout list",
            ])
    }
}

extension FleetState {
    /// Every assignment number is larger; 0 where the controller was never restored.
    var numberFloor: UInt64 { restores.compactMap(\.numberFloor).max() ?? 0 }
}

extension StoredRestore {
    /// A number that no controller before can have given to an assignment.
    ///
    /// A device gets far less than one order a millisecond. So no number was ever above the clock where the first one
    /// was below it, and none is above the largest one in the backup and the milliseconds since then, whatever the
    /// clocks of the machines before said.
    ///
    /// - Parameter largest: the largest number in the backup.
    func floor(above largest: UInt64, at now: Timestamp) -> UInt64 {
        let moment = max(now, restoredAt).milliseconds
        let since = UInt64(max(0, moment - takenAt.milliseconds))
        return max(UInt64(max(0, moment)), largest + since) + 1
    }
}

extension FleetDraft {
    /// The controller was restored from a backup: numbers go on above all that may have been given, rollouts ask a
    /// person, and enrolment tokens end, because nobody knows which were used since.
    fileprivate mutating func follow(_ restore: StoredRestore) {
        let largest = state.devices.values.map(\.assignmentNumber).max() ?? 0
        var followed = restore
        let floor = restore.floor(above: max(largest, state.numberFloor), at: now)
        followed.numberFloor = floor
        state.restores = state.restores.map { $0.number == restore.number ? followed : $0 }
        add(.restore(followed))
        // The first row after those of the backup, so that a log that ended later says where it was cut.
        audit(
            Rollout.restoringActor, AuditEvent.restoreAction, "controller",
            [
                "backup": restore.backup, "taken": "\(restore.takenAt)", "rows": "\(restore.auditRows)",
                "numbers_above": "\(floor)",
            ])
        for var device in state.devices.values.sorted(by: { $0.id < $1.id }) {
            device.assignmentNumber = floor
            put(device)
        }
        for var token in state.tokens.values.sorted(by: { $0.id < $1.id }) where token.usesLeft > 0 {
            token.usesLeft = 0
            state.tokens[token.id] = token
            add(.token(token))
        }
        eachActiveRollout { rollout, now in rollout.controllerRestored(from: restore.takenAt, at: now) }
    }

    /// Gives devices the order that they have under a new number, which is on purpose where the one before was.
    mutating func repeatOrders(of model: ModelName, to devices: [DeviceID]) {
        changeSlots(of: devices, model) { slot, number in
            number += 1
            slot.number = number
            if slot.retry != nil { slot.retry = number }
        }
    }

    /// Shows devices no order until they get another one.
    mutating func withdrawOrders(of model: ModelName, to devices: [DeviceID]) {
        changeSlots(of: devices, model) { slot, _ in slot.number = 0 }
    }
}
