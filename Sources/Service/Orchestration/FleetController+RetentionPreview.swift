import Fleet
import Rollouts
import Synchronization
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    public func retention(_ choice: RetentionChoice) throws -> RetentionResource {
        var retention = surroundings.retention
        if let evidence = choice.evidence { retention.evidence = evidence }
        if let audit = choice.audit { retention.audit = audit }
        if let artifacts = choice.artifacts { retention.artifacts = artifacts }
        return RetentionResource(
            lookedAt: lookedAt.withLock { $0 },
            expired: [
                try expiredEvidence(retention), try expiredAudit(retention), try expiredArtifacts(retention),
                try expiredUploads(retention),
            ])
    }

    /// The most names that are shown.
    private static let names = 100

    private func expiredEvidence(_ retention: Retention) throws -> RetentionResource.Expired {
        let state = state
        let now = now
        let steps = try surroundings.store.drawnSteps().filter {
            retention.letsEvidenceGo(of: $0, in: state, at: now)
        }
        let extents = try steps.map { try surroundings.store.evidenceExtent(of: $0, limit: .max) }
        return RetentionResource.Expired(
            kind: .evidence, kept: retention.evidence, count: extents.reduce(0) { $0 + $1.rows },
            bytes: extents.reduce(0) { $0 + UInt64($1.bytes) },
            names: Array(Set(steps.map(\.rollout)).sorted().prefix(Self.names).map(\.rawValue)))
    }

    private func expiredAudit(_ retention: Retention) throws -> RetentionResource.Expired {
        let began = auditBeginning
        let next = try nextAuditBeginning(retention)
        let first = (began?.number ?? 0) + 1
        return RetentionResource.Expired(
            kind: .audit, kept: retention.audit, count: next.map { Int($0.number - first + 1) } ?? 0, bytes: nil,
            names: next.map { ["rows \(first) to \($0.number)"] } ?? [])
    }

    private func expiredArtifacts(_ retention: Retention) throws -> RetentionResource.Expired {
        // As the state would be once the versions have been released.
        var state = state
        let released = retention.versionsToRelease(state, at: now)
        for digest in released { state.versions[digest]?.artifactsRemovedAt = now }
        let files = retention.filesToRemove(
            try surroundings.artifacts.files().filter(\.isComplete), state, at: now)
        let names = released.compactMap { state.versions[$0].map { "\($0.model) \($0.version)" } }
        return RetentionResource.Expired(
            kind: .artifacts, kept: retention.artifacts, count: files.count,
            bytes: files.reduce(0) { $0 + $1.sizeBytes }, names: Array(names.sorted().prefix(Self.names)))
    }

    private func expiredUploads(_ retention: Retention) throws -> RetentionResource.Expired {
        let files = retention.filesToRemove(
            try surroundings.artifacts.files().filter { !$0.isComplete }, state, at: now)
        return RetentionResource.Expired(
            kind: .uploads, kept: retention.uploads, count: files.count, bytes: files.reduce(0) { $0 + $1.sizeBytes },
            names: files.prefix(Self.names).map(\.digest.short))
    }
}
