/// The moments at which a fault test may end the agent at once: around each durable transition of each step.
///
/// A fault injection switch: `EDGE_AGENT_KILL_AT=<point>[:n]` makes the agent end itself by SIGKILL the n-th time it
/// gets there (the first by default). Unset, nothing happens.
public enum KillPoint: String, CaseIterable, Hashable, Sendable {
    /// The assignment is stored, the journal does not know it yet.
    case checkBefore = "check.before"
    /// The check passed, the journal does not know it yet.
    case checkAfter = "check.after"
    /// Before the first byte is fetched.
    case downloadBefore = "download.before"
    /// A piece was written to staging and is not durable.
    case downloadPiece = "download.piece"
    /// A file is whole and durable in staging, not in the store.
    case downloadFile = "download.file"
    /// All files are in the store, the journal does not know it yet.
    case downloadAfter = "download.after"
    /// Before the version's directory is made.
    case verifyBefore = "verify.before"
    /// The files are linked into the version's directory, which is not sealed.
    case verifyLinked = "verify.linked"
    /// The version is sealed, the journal does not know it yet.
    case verifyAfter = "verify.after"
    /// Before the backup is pinned.
    case backupBefore = "backup.before"
    /// The backup is pinned, the journal does not know it yet.
    case backupAfter = "backup.after"
    /// Before the swap.
    case deployBefore = "deploy.before"
    /// The link is swapped, the runtime does not know it yet.
    case deploySwapped = "deploy.swapped"
    /// The runtime serves the version, the journal does not know it yet.
    case deployAfter = "deploy.after"
    /// Before the golden inputs.
    case smokeBefore = "smoke.before"
    /// The smoke test passed, the journal does not know it yet.
    case smokeAfter = "smoke.after"
    /// Probation has begun.
    case probationBefore = "probation.before"
    /// Probation is over, the journal does not know it yet.
    case probationAfter = "probation.after"
    /// Before the return to the backup.
    case rollbackBefore = "rollback.before"
    /// The link is swapped back, the runtime does not know it yet.
    case rollbackSwapped = "rollback.swapped"
    /// The backup serves, the journal does not know it yet.
    case rollbackAfter = "rollback.after"
    /// Before the outcome is written.
    case reportBefore = "report.before"
    /// The outcome is in the outbox, the journal does not know it yet.
    case reportAfter = "report.after"
    /// The outcome was acknowledged and is still in the outbox.
    case reportAcknowledged = "report.acknowledged"
}

/// Ends the agent at a chosen point, or does nothing.
public protocol KillSwitch: Sendable {
    /// The agent got there.
    func reached(_ point: KillPoint)
}

/// Never ends the agent.
public struct NoKillSwitch: KillSwitch {
    /// Makes a switch.
    public init() {}

    /// Does nothing.
    public func reached(_ point: KillPoint) {}
}
