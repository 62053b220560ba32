import DeviceUpdates
import Fleet
import ModelTrust

/// Versions that their publisher withdrew: whatever the controller orders, they are not activated.
extension UpdateWorker {
    /// Points `current`, unless the version was withdrawn or its signer revoked.
    func activate(_ digest: Digest?, afresh: Bool = false) throws {
        if let digest {
            try requireNotWithdrawn(digest)
            do {
                try store.requireTrustedSigner(digest)
            } catch let refusal as ArtifactRefusal {
                throw StepFault(refusal)
            }
        }
        try store.activate(digest, afresh: afresh)
    }

    /// Makes a version the last known good, unless it was withdrawn; what it withdraws is withdrawn from now on.
    func pin(_ digest: Digest) throws {
        let manifest = try requireNotWithdrawn(digest)
        try store.pin(digest)
        try floors.raise(release: manifest.releaseFloor)
    }

    /// The description of a version whose bytes were checked.
    @discardableResult
    func requireNotWithdrawn(_ digest: Digest) throws -> EdgeVersionManifest {
        let path = "\(layout.version(digest))/\(ArtifactPath.manifest)"
        guard let bytes = try services.files.read(path) else {
            throw StepFault.failed(.backupMissing, "version \(digest.short) is not here")
        }
        let manifest: EdgeVersionManifest
        do {
            manifest = try EdgeVersionManifest(parsing: bytes)
        } catch {
            throw StepFault(error)
        }
        guard manifest.releaseCounter >= floors.floors.release else {
            throw StepFault.failed(
                .versionWithdrawn,
                "version \(manifest.version) has release counter \(manifest.releaseCounter), and its publisher "
                    + "withdrew all below \(floors.floors.release)")
        }
        return manifest
    }
}
