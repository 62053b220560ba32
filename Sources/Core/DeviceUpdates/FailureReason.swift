/// Why a step failed: a stable word for reports, logs, metric labels and the journal.
///
/// The raw value has at most 32 bytes, the width of its journal field.
public enum FailureReason: String, CaseIterable, Hashable, Sendable {
    /// The assignment's signature, device or content is wrong.
    case assignmentInvalid = "assignment_invalid"
    /// The assignment's time is over; it orders no install any more.
    case assignmentExpired = "assignment_expired"
    /// The assignment's number is not larger than one accepted before.
    case assignmentReplayed = "assignment_replayed"
    /// The assignment is for a model this device does not serve.
    case unknownModel = "unknown_model"
    /// The version failed on this device and was not ordered on purpose since.
    case quarantined
    /// The signed version is not the one assigned: another model, name or digest.
    case versionMismatch = "version_mismatch"
    /// The version's publisher withdrew it: its release counter is below the device's floor.
    case versionWithdrawn = "version_withdrawn"
    /// The version is signed by a key that its publishers revoked.
    case publisherRevoked = "publisher_revoked"
    /// The signed version needs another architecture, runtime or more memory.
    case incompatible
    /// Files could not be fetched within the tries.
    case downloadFailed = "download_failed"
    /// A file's bytes do not have the signed digest.
    case hashMismatch = "hash_mismatch"
    /// The version is not signed by a pinned publisher.
    case signatureInvalid = "signature_invalid"
    /// Too little space, or a write refused for lack of it.
    case diskFull = "disk_full"
    /// The storage refused a read or a write.
    case storageFailed = "storage_failed"
    /// The version to return to is missing or damaged.
    case backupMissing = "backup_missing"
    /// The runtime did not become healthy in time.
    case runtimeUnhealthy = "runtime_unhealthy"
    /// The runtime ended by itself three times in five minutes.
    case runtimeCrashed = "runtime_crashed"
    /// A golden output differs or was too slow.
    case smokeFailed = "smoke_failed"
    /// The agent was restarted too often while it tried the version.
    case interrupted
    /// More transitions than one assignment may take.
    case tooManyTransitions = "too_many_transitions"
    /// A newer assignment took over.
    case superseded
    /// Too long without the controller on a version that was not proven.
    case contactLost = "contact_lost"
    /// A person at the device ordered the return.
    case returnOrdered = "return_ordered"
    /// Returning to the backup failed as well.
    case rollbackFailed = "rollback_failed"

    /// Whether the version itself is to blame: then it is quarantined until it is ordered on purpose.
    public var blamesVersion: Bool {
        switch self {
        case .hashMismatch, .signatureInvalid, .versionMismatch, .runtimeUnhealthy, .runtimeCrashed, .smokeFailed,
            .interrupted, .tooManyTransitions, .returnOrdered:
            true
        case .assignmentInvalid, .assignmentExpired, .assignmentReplayed, .unknownModel, .quarantined, .incompatible,
            .versionWithdrawn, .publisherRevoked, .downloadFailed, .diskFull, .storageFailed, .backupMissing,
            .superseded, .contactLost, .rollbackFailed:
            false
        }
    }

    /// Whether the assignment itself is refused, before anything is done.
    public var refusesAssignment: Bool {
        switch self {
        case .assignmentInvalid, .assignmentExpired, .assignmentReplayed, .unknownModel, .quarantined, .versionMismatch,
            .versionWithdrawn, .publisherRevoked, .incompatible, .signatureInvalid:
            true
        case .downloadFailed, .hashMismatch, .diskFull, .storageFailed, .backupMissing, .runtimeUnhealthy,
            .runtimeCrashed, .smokeFailed, .interrupted, .tooManyTransitions, .superseded, .contactLost,
            .returnOrdered, .rollbackFailed:
            false
        }
    }
}
