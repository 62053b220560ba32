public import Fleet

/// What a controller that was restored from a backup does about its rollouts.
///
/// What was decided after the backup was taken is not known any more: a version may have been taken back since. So a
/// restored controller orders nothing by itself and asks a person first.
extension Rollout {
    /// Why a rollout waits whose controller was restored from a backup.
    public static let waitsRestored = "restored"
    /// Who ordered that, as decisions name it.
    public static let restoringActor = "edge-controller restore"

    /// The controller was restored from a backup that was taken at `taken`.
    ///
    /// A rollout that is under way is halted until a person decides; orders that no device was heard to follow are
    /// withdrawn until then, and whoever ran the new version counts as running it when it is heard to. A rollback goes
    /// on, with new numbers: it does not matter how often a version is taken back. A placebo ends.
    public mutating func controllerRestored(from taken: Timestamp, at now: Timestamp) -> [RolloutAction] {
        guard !isPlacebo else { return placeboWithdrawn(at: now) }
        switch state {
        case .rolledBack, .completed, .superseded: return []
        case .rollingBack:
            let returning = members { $0.progress == .returning }
            return returning.isEmpty ? [] : [.repeatOrders(returning)]
        case .pending, .progressing, .holding, .halted, .watching: break
        }
        let before = state == .halted ? wait.map { "; before that it was halted: \($0.sentence)" } : nil
        var grounds = Grounds(
            cause: .person, reason: Self.waitsRestored,
            sentence: "the controller was restored from a backup of \(taken), and what was decided after it is not "
                + "known: see whether \(to.name) was taken back since" + (before ?? ""))
        grounds.actor = Self.restoringActor
        let halted = halt(grounds, at: now)
        // A first installation takes nothing from anybody: its orders stand.
        guard from != nil else { return halted }
        let unconfirmed = members { $0.isUpdating }
        for device in members(where: { $0.isUpdating || $0.isExposed }) { members[device]?.progress = .unseen }
        return halted + (unconfirmed.isEmpty ? [] : [.withdrawOrders(unconfirmed)])
    }

    /// A person goes on after a restore: who has not been heard to run the version since is ordered to once more.
    mutating func repeatUnseen(at now: Timestamp) -> [RolloutAction] {
        let unseen = members { $0.progress == .unseen }
        for device in unseen { members[device]?.progress = .commanded(at: now) }
        return unseen.isEmpty ? [] : [.repeatOrders(unseen)]
    }
}
