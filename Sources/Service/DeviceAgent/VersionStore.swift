import DeviceUpdates
import Fleet
import ModelTrust

/// The versions on disk: what serves, what is returned to, what is sealed.
struct VersionStore {
    let files: any DurableFiles
    let layout: StateLayout
    let verifier: any VersionVerifying

    /// Which versions are there.
    func local() throws(StorageFault) -> LocalVersions {
        var sealed: Set<Digest> = []
        for entry in try files.list(layout.versions) where entry.isDirectory {
            if let digest = Digest(hex: entry.name), try files.facts(layout.seal(digest)) != nil {
                sealed.insert(digest)
            }
        }
        return LocalVersions(
            current: try target(of: layout.current), lastKnownGood: try target(of: layout.lastKnownGood),
            sealed: sealed)
    }

    /// Links a version's files from the store into its directory, checks all of it and seals it.
    ///
    /// - Throws: ``ArtifactRefusal`` when the version is not what it should be, ``StorageFault``.
    func seal(_ digest: Digest, bundle: [UInt8], blobs: [FileDigest], killSwitch: any KillSwitch) throws {
        let directory = layout.version(digest)
        try files.remove(layout.seal(digest))
        try files.removeTree(directory)
        try files.makeDirectories(directory)
        for blob in blobs {
            let target = "\(directory)/\(blob.path)"
            try files.makeDirectories(Path.parent(of: target))
            try files.link(StateLayout.blob(blob.digest), to: target)
            try files.syncDirectory(Path.parent(of: target))
        }
        try files.write(layout.signature(digest), bundle, isSecret: false)
        try files.sync(layout.signature(digest))
        try files.syncDirectory(directory)
        killSwitch.reached(.verifyLinked)
        let verified = try verify(digest)
        try files.write(layout.seal(digest), Array("\(verified.manifest.version)\n".utf8), isSecret: false)
        try files.sync(layout.seal(digest))
        try files.syncDirectory(directory)
    }

    /// Hashes every file of a version again and checks its signature and its own description.
    ///
    /// - Parameter isKept: whether the version was accepted before, so that a key revoked since still counts.
    func verify(_ digest: Digest, isKept: Bool = false) throws -> VerifiedVersion {
        let directory = layout.version(digest)
        let entries = try files.entries(below: directory)
        for entry in entries where entry.kind == .other { throw ArtifactRefusal.notAFile(try checked(entry.name)) }
        guard let bundle = try files.read(layout.signature(digest)) else {
            throw StorageFault(
                operation: "read", path: layout.signature(digest), reason: "the version's signature is missing")
        }
        var present: [FileDigest] = []
        for path in entries.map(\.name)
        where path != StateLayout.sealName && path != StateLayout.signatureName {
            present.append(
                FileDigest(path: try checked(path), digest: try files.digest("\(directory)/\(path)")))
        }
        let manifest = try files.read("\(directory)/\(ArtifactPath.manifest)") ?? []
        let verified =
            isKept
            ? try verifier.verifyKept(bundle: bundle, files: present, manifest: manifest)
            : try verifier.verify(bundle: bundle, files: present, manifest: manifest)
        try verified.require(model: layout.model, digest: digest)
        return verified
    }

    private func checked(_ path: String) throws(ArtifactRefusal) -> ArtifactPath {
        do throws(InvalidArtifactPath) {
            return try ArtifactPath(path)
        } catch {
            throw .pathForbidden(error)
        }
    }

    /// Whether a version is sealed and its bytes are still the signed ones.
    ///
    /// A revoked key does not make it less whole: what serves goes on serving until it is replaced.
    func isWhole(_ digest: Digest) throws(StorageFault) -> Bool {
        guard try files.facts(layout.seal(digest)) != nil else { return false }
        return (try? verify(digest, isKept: true)) != nil
    }

    /// Refuses a sealed version whose signature is by a key that does not count any more.
    ///
    /// - Throws: ``ArtifactRefusal``, ``StorageFault``.
    func requireTrustedSigner(_ digest: Digest) throws {
        guard let bundle = try files.read(layout.signature(digest)) else {
            throw StorageFault(
                operation: "read", path: layout.signature(digest), reason: "the version's signature is missing")
        }
        _ = try verifier.authenticate(bundle: bundle)
    }

    /// Replaces a sealed version's signature by another key's over the same content.
    ///
    /// It is written elsewhere first: a file too many would make the version unsound after a power cut.
    func replaceSignature(_ digest: Digest, with bundle: [UInt8]) throws(StorageFault) {
        let staged = StateLayout.stagedSignature(digest)
        try files.remove(staged)
        try files.write(staged, bundle, isSecret: false)
        try files.sync(staged)
        try files.rename(staged, to: layout.signature(digest))
        try files.syncDirectory(layout.version(digest))
    }

    /// Points `current`; nil takes it away.
    ///
    /// - Parameter afresh: makes the link once more where it points there already.
    func activate(_ digest: Digest?, afresh: Bool = false) throws(StorageFault) {
        try move(layout.current, to: digest, afresh: afresh)
    }

    /// Points `lkg`; nil takes it away.
    func pin(_ digest: Digest?) throws(StorageFault) {
        try move(layout.lastKnownGood, to: digest)
    }

    /// Removes every version but the named ones, and what no version needs any more.
    func collect(keeping kept: Set<Digest>) throws(StorageFault) {
        for entry in try files.list(layout.versions) where entry.isDirectory {
            guard let digest = Digest(hex: entry.name), !kept.contains(digest) else { continue }
            // Without its seal it is no version any more, whatever a power cut leaves of the rest.
            try files.remove(layout.seal(digest))
            try files.syncDirectory(layout.version(digest))
            try files.removeTree(layout.version(digest))
        }
        try files.syncDirectory(layout.versions)
        for shelf in try files.list(StateLayout.store) where shelf.isDirectory {
            for blob in try files.list("\(StateLayout.store)/\(shelf.name)") {
                let path = "\(StateLayout.store)/\(shelf.name)/\(blob.name)"
                if try files.facts(path)?.links == 1 { try files.remove(path) }
            }
        }
        for leftover in try files.list(StateLayout.staging) {
            try files.remove("\(StateLayout.staging)/\(leftover.name)")
        }
    }

    private func target(of link: String) throws(StorageFault) -> Digest? {
        try files.symbolicLink(link).flatMap { Digest(hex: Path.name(of: $0)) }
    }

    private func move(_ link: String, to digest: Digest?, afresh: Bool = false) throws(StorageFault) {
        if !afresh, try target(of: link) == digest { return }
        if let digest {
            try files.point(link, to: layout.linkText(digest))
        } else {
            try files.remove(link)
            try files.syncDirectory(Path.parent(of: link))
        }
    }
}
