/// The seven steps of an update, its probation and the way back, as they are reported.
public enum UpdateStep: String, CaseIterable, Hashable, Sendable {
    /// Is the assignment good, and is there space?
    case check
    /// Fetching the version's files.
    case download
    /// Digests, signature, and what the version says of itself.
    case verify
    /// The version to return to is present and whole.
    case backup
    /// Making the version current and telling the runtime.
    case deploy
    /// Golden inputs and health.
    case smoke
    /// Real traffic: crashes and health only.
    case probation
    /// Writing the outcome into the outbox.
    case report
    /// Returning to the backup.
    case rollback
}
