public import Fleet
import Foundation
import Rollouts
public import WireFormat

extension FleetController {
    // MARK: - Keys

    /// See ``FleetOperations``.
    public func addPublisherKey(_ key: PublisherKey, by caller: Caller) throws -> PublisherKey {
        let fingerprint: Digest
        do {
            fingerprint = try surroundings.cryptography.fingerprint(publicKeyPEM: key.pem)
        } catch {
            throw Problem.invalid([
                FieldFault(field: "pem", remedy: "send a P-256 public key as PEM (`edgectl key generate` makes one)")
            ])
        }
        let known = PublisherKey(pem: key.pem, fingerprint: fingerprint.hex)
        try transact { draft in
            guard !draft.state.isRevoked(fingerprint.hex) else {
                throw Problem.conflict(
                    "publisher_revoked", "a key set revoked the key \(fingerprint.hex); use a key that counts")
            }
            guard draft.state.publisherKeys[fingerprint.hex] == nil else { return }
            draft.state.publisherKeys[fingerprint.hex] = known
            draft.add(.publisherKey(known))
            draft.audit(caller.auditName, "publisher.add", "publisher/\(fingerprint.hex)")
        }
        return known
    }

    /// See ``FleetOperations``.
    public func publisherKeys() -> [PublisherKey] {
        let state = state
        return state.publisherKeys.values.sorted { ($0.fingerprint ?? "") < ($1.fingerprint ?? "") }.map { key in
            var shown = key
            if state.isRevoked(key.fingerprint) { shown.revoked = true }
            return shown
        }
    }

    /// See ``FleetOperations``.
    public func assignmentKey() throws -> PublisherKey {
        let pem = surroundings.cryptography.assignmentKeyPEM
        return PublisherKey(pem: pem, fingerprint: try surroundings.cryptography.fingerprint(publicKeyPEM: pem).hex)
    }

    // MARK: - Artifacts

    /// The largest file of a version: 64 GiB.
    static let artifactLimitBytes: UInt64 = 64 << 30

    /// See ``FleetOperations``.
    public func beginUpload(_ digest: Digest, _ request: UploadRequest) throws -> UploadStatus {
        guard request.sizeBytes <= Self.artifactLimitBytes else {
            throw Problem.invalid([FieldFault(field: "sizeBytes", remedy: "a file may have at most 64 GiB")])
        }
        return try mended { try surroundings.artifacts.beginUpload(digest, sizeBytes: request.sizeBytes) }
    }

    /// See ``FleetOperations``.
    public func uploadStatus(_ digest: Digest) throws -> UploadStatus {
        guard let status = try mended({ try surroundings.artifacts.uploadStatus(digest) }) else {
            throw Problem.unknown("upload", digest.hex, "start it with POST /v1/artifacts/{digest}/upload")
        }
        return status
    }

    /// See ``FleetOperations``.
    public func appendUpload(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        try mended { try surroundings.artifacts.append(digest, offsetBytes: offsetBytes, bytes: bytes) }
    }

    /// See ``FleetOperations``.
    public func artifact(_ digest: Digest) throws -> ArtifactFile {
        guard let file = try mended({ try surroundings.artifacts.file(digest) }) else {
            throw Problem.unknown("artifact", digest.hex, "upload it first")
        }
        return file
    }

    private func mended<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ArtifactStoreError {
            throw error.problem
        }
    }

    // MARK: - Versions

    /// The largest `edge-version.json`: 64 KiB.
    static let manifestLimitBytes: UInt64 = 65_536

    /// See ``FleetOperations``.
    public func registerVersion(
        _ registration: VersionRegistration, model: ModelName, by caller: Caller
    ) throws -> VersionResource {
        let accepted = try verified(registration, model: model)
        return try transact { draft in
            // Once more: retention may have removed one meanwhile, and does not as long as this goes on.
            try requireFiles(of: registration)
            if let existing = draft.state.version(registration.version, of: model) {
                guard existing.digest == accepted.digest else {
                    throw Problem.conflict(
                        "version_exists",
                        "\(model) \(registration.version) is registered with other content; versions never change, "
                            + "choose another name")
                }
                let pushed = draft.pushedAgain(existing, by: caller)
                return existing.publisher == accepted.publisher
                    ? pushed : draft.resign(pushed, accepted, registration.bundle, by: caller)
            }
            let version = VersionResource(
                model: model, version: registration.version, digest: accepted.digest,
                releaseCounter: accepted.releaseCounter, metadata: accepted.metadata, files: registration.files,
                bundle: registration.bundle, publisher: accepted.publisher, createdAt: draft.now,
                createdBy: caller.auditName)
            draft.state.versions[version.digest] = version
            draft.add(.version(version))
            draft.audit(
                caller.auditName, "version.register", "version/\(model)/\(version.version)",
                ["digest": version.digest.hex, "publisher": version.publisher ?? "unknown"])
            return version
        }
    }

    private func requireFiles(of registration: VersionRegistration) throws {
        for file in registration.files {
            let stored = try surroundings.artifacts.file(file.digest)
            guard let stored, stored.sizeBytes == file.sizeBytes else {
                throw Problem.refusedVersion(
                    "file_missing", "\(file.path) (\(file.digest.short)) is not uploaded in full; upload it first")
            }
        }
    }

    private func verified(_ registration: VersionRegistration, model: ModelName) throws -> AcceptedVersion {
        try requireFiles(of: registration)
        guard let entry = registration.files.first(where: { $0.path == "edge-version.json" }),
            entry.sizeBytes <= Self.manifestLimitBytes, let stored = try surroundings.artifacts.file(entry.digest)
        else {
            throw Problem.refusedVersion(
                "manifest_missing",
                "a version needs an edge-version.json of at most 64 KiB; `edgectl model push` makes it")
        }
        let manifest = Array(try Data(contentsOf: URL(fileURLWithPath: stored.path)))
        let accepted: AcceptedVersion
        do {
            accepted = try surroundings.cryptography.verifyVersion(
                bundle: registration.bundle, manifest: manifest,
                files: registration.files.map { ($0.path, $0.digest) },
                keys: state.knownPublisherKeys)
        } catch let refusal as VersionRefusal {
            throw Problem.refusedVersion(refusal.code, refusal.sentence)
        }
        guard accepted.model == model, accepted.version == registration.version else {
            throw Problem.refusedVersion(
                "manifest_mismatch",
                "edge-version.json says \(accepted.model) \(accepted.version), the request \(model) "
                    + "\(registration.version)")
        }
        return accepted
    }

    /// See ``FleetOperations``.
    public func models() -> [ModelResource] {
        Dictionary(grouping: state.versions.values, by: \.model).map { name, versions in
            ModelResource(
                name: name, versions: versions.count, latest: versions.max { $0.createdAt < $1.createdAt }?.version)
        }.sorted { $0.name < $1.name }
    }

    /// See ``FleetOperations``.
    public func versions(of model: ModelName) throws -> [VersionResource] {
        let versions = state.versions.values.filter { $0.model == model }
        guard !versions.isEmpty else {
            throw Problem.unknown("model", model.rawValue, "`edgectl model list` shows the models")
        }
        return versions.sorted { ($0.createdAt, $0.version) > ($1.createdAt, $1.version) }
    }

    /// See ``FleetOperations``.
    public func version(_ version: VersionName, of model: ModelName) throws -> VersionResource {
        guard let found = state.version(version, of: model) else {
            throw Problem.unknown(
                "version", "\(model) \(version)", "`edgectl model show \(model)` shows its versions")
        }
        return found
    }

    /// See ``FleetOperations``.
    public func version(digest: Digest) throws -> VersionResource {
        guard let found = state.versions[digest] else {
            throw Problem.unknown("version", digest.hex, "it was never registered here")
        }
        return found
    }
}

extension ArtifactStoreError {
    fileprivate var problem: Problem {
        switch self {
        case .uploadNotStarted(let digest):
            Problem.unknown("upload", digest.hex, "start it with POST /v1/artifacts/{digest}/upload")
        case .offsetMismatch(let expected, let got):
            Problem.conflict(
                "offset_mismatch", "the piece starts at byte \(got), the upload ends at \(expected); go on from there")
        case .tooLarge(let announced):
            Problem.conflict(
                "upload_too_large", "the piece goes beyond the announced \(announced) bytes; send the rest only")
        case .digestMismatch(let expected, let got):
            Problem(
                code: "hash_mismatch", title: "Digest mismatch", status: 422,
                detail:
                    "the uploaded bytes have digest \(got), not \(expected); the upload was discarded, start it again")
        case .sizeMismatch(let announced, let got):
            Problem.conflict(
                "size_mismatch", "the upload was started with \(announced) bytes, not \(got); use the file's real size")
        case .disk(let operation, let reason, let full):
            Problem(
                code: full ? "disk_full" : "storage_failed", title: "Artifact store failed", status: full ? 507 : 503,
                detail: "\(operation) failed: \(reason); free space on the controller and try again")
        }
    }
}
