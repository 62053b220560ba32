import Cryptography
import Fleet
import ModelTrust
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// A version as a key signs it and a controller serves it.
struct PublishedVersion {
    var resource: VersionResource
    var files: [Digest: [UInt8]]

    init(
        _ name: String, model: ModelName, counter: UInt64, floor: UInt64 = 0, weights: [UInt8], signedBy key: SigningKey
    ) throws {
        let version = try VersionName(name)
        let manifest = EdgeVersionManifest(
            model: model, version: version, releaseCounter: counter, releaseFloor: floor,
            entry: try ArtifactPath("model.bin"))
        let contents = ["edge-version.json": manifest.serialized(), "model.bin": weights]
        var listed: [FileDigest] = []
        files = [:]
        for (path, bytes) in contents {
            let digest = SHA256().digest(of: bytes)
            listed.append(FileDigest(path: try ArtifactPath(path), digest: digest))
            files[digest] = bytes
        }
        let bundle = try ModelSigner(key: key).sign(files: listed, subject: name)
        let payload = try SignatureBundle(parsing: bundle).payload
        let sizes = files.mapValues { UInt64($0.count) }
        resource = VersionResource(
            model: model, version: version, digest: SHA256().digest(of: payload), releaseCounter: counter,
            metadata: [:],
            files: listed.sorted { $0.path < $1.path }.map {
                VersionFile(path: $0.path.rawValue, digest: $0.digest, sizeBytes: sizes[$0.digest] ?? 0)
            }, bundle: String(decoding: bundle, as: UTF8.self), publisher: nil,
            createdAt: Timestamp(milliseconds: 0), createdBy: "test")
    }
}

/// Somebody who has everything the controller has: its assignment key, its database, its artifacts, its network place.
///
/// What they do not have is a private key that counts: of a publisher, or of recovery. One that publishers revoked they
/// have.
struct StolenController {
    enum Attack: String, CaseIterable {
        case ownPublisherKey, ownKeyUnderPinnedName, assignmentKeyAsPublisher, changedWeights, changedManifest
        case otherBundle, mixedFiles, otherName, otherModel, withdrawn, withdrawnAsFallback, withdrawnAfterCrash
        case replay, expired, otherDevice, otherPurpose, strangersAssignment, missingFile
        case revokedPublisherKey, forgedKeySet, keySetUnderPinnedName, keySetByRevokedKey, changedKeySet, oldKeySet
        case skippedKeySet, endlessKeySets
    }

    let model: ModelName
    let assignmentKey: SigningKey
    let controller: FakeController
    /// Every version that publishers ever signed, by name; all of it is in the database.
    let versions: [String: PublishedVersion]
    let foreignModel: PublishedVersion
    /// Whoever may sign versions and key sets, with every set they signed so far.
    let publishers: Publishers
    /// The key that publishers revoked because it was stolen.
    let stolenKey: SigningKey
    /// The key set that the device follows.
    let followed: Int

    /// Orders something that no device may do.
    func carryOut(
        _ attack: Attack, on device: Device, number: UInt64, chance: inout SeededChance
    ) throws {
        guard let good = versions["v3"], let old = versions["v1"], let next = versions["v4"] else { return }
        restoreDatabase()
        var run = next.resource
        var fallback: VersionResource? = good.resource
        var claims = claims(device, number, run, fallback)
        let weights = (0..<20).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
        switch attack {
        case .ownPublisherKey, .ownKeyUnderPinnedName, .assignmentKeyAsPublisher:
            let key = attack == .assignmentKeyAsPublisher ? assignmentKey : try SigningKey.generate()
            var forged = try PublishedVersion("v9", model: model, counter: 9, weights: weights, signedBy: key)
            if attack == .ownKeyUnderPinnedName {
                let hint = try SignatureBundle(parsing: Array(good.resource.bundle.utf8)).keyHint
                let bundle = try SignatureBundle(parsing: Array(forged.resource.bundle.utf8))
                let text = SignatureBundle(keyHint: hint, payload: bundle.payload, signature: bundle.signature)
                forged.resource.bundle = String(decoding: text.serialized(), as: UTF8.self)
            }
            offer(forged)
            run = forged.resource
        case .changedWeights, .changedManifest, .missingFile:
            let name = attack == .changedManifest ? "edge-version.json" : "model.bin"
            let file = run.files.first { $0.path == name }
            if let file { controller.state.withLock { $0.files[file.digest] = attack == .missingFile ? nil : weights } }
        case .otherBundle: controller.state.withLock { [digest = run.digest] in $0.versions[digest] = old.resource }
        case .mixedFiles:
            let mixed = VersionResource(
                model: model, version: run.version, digest: run.digest, releaseCounter: 9, metadata: [:],
                files: old.resource.files, bundle: run.bundle, publisher: nil, createdAt: run.createdAt, createdBy: "x")
            controller.state.withLock { $0.versions[mixed.digest] = mixed }
        case .otherName: run.version = try VersionName("v77")
        case .otherModel:
            offer(foreignModel)
            run = foreignModel.resource
        case .withdrawn: run = old.resource
        case .withdrawnAsFallback: fallback = old.resource
        case .withdrawnAfterCrash:
            fallback = old.resource
            device.runtime.state.withLock { [digest = run.digest] in _ = $0.unstable.insert(digest) }
        case .revokedPublisherKey:
            let forged = try PublishedVersion("v9", model: model, counter: 9, weights: weights, signedBy: stolenKey)
            offer(forged)
            run = forged.resource
        case .forgedKeySet, .keySetUnderPinnedName, .keySetByRevokedKey, .changedKeySet, .oldKeySet, .skippedKeySet,
            .endlessKeySets:
            let key = attack == .skippedKeySet ? publishers.key : try SigningKey.generate()
            serve(try keySets(attack, admitting: key, &chance), to: device)
            let forged = try PublishedVersion("v9", model: model, counter: 9, weights: weights, signedBy: key)
            offer(forged)
            run = forged.resource
        case .replay, .expired, .otherDevice, .otherPurpose, .strangersAssignment: break
        }
        claims = self.claims(device, attack == .replay ? 1 + chance.next() % (number - 1) : number, run, fallback)
        if attack == .expired { claims.expiresAt = 1_600_000_000 }
        if attack == .otherDevice { claims.device = try DeviceID("dev-2") }
        let key = attack == .strangersAssignment ? try SigningKey.generate() : assignmentKey
        let type = attack == .otherPurpose ? "edge-audit-head+jwt" : AssignmentClaims.tokenType
        device.order(claims.number, signed: try CompactJWS.sign(claims.serialized(), type: type, with: key))
    }

    /// Key sets that no device may follow; each would admit a key of the thief's.
    private func keySets(
        _ attack: Attack, admitting key: SigningKey, _ chance: inout SeededChance
    ) throws -> [String] {
        var set = publishers.next()
        set.number = UInt64(followed + 1)
        set.keys = [key.publicKey]
        set.revoked = []
        switch attack {
        case .forgedKeySet:
            let own = try SigningKey.generate()
            set.recoveryKey = own.publicKey
            return [try Publishers.sign(set, by: [own])]
        case .keySetUnderPinnedName:
            let forged = try SignedKeySet.sign(
                set, with: [(publishers.recovery.publicKey, try SigningKey.generate())])
            return [String(decoding: forged, as: UTF8.self)]
        case .keySetByRevokedKey: return [try Publishers.sign(set, by: [stolenKey])]
        case .changedKeySet:
            // The signature of a real set under another content.
            let real = try JSONValue(parsing: Array(publishers.sets[followed].utf8))
            guard case .object(var members) = real else { return [] }
            members["payload"] = .string(Base64.standard.encode(set.serialized()))
            return [String(decoding: JSONValue.object(members).serialized(), as: UTF8.self)]
        case .oldKeySet: return Array(publishers.sets.prefix(1 + chance.below(followed)))
        case .skippedKeySet: return Array(publishers.sets.dropFirst(followed + 1))
        default: return Array(repeating: publishers.sets[0], count: 5000)
        }
    }

    /// Serves key sets, whatever is asked for, and tells the device that there are newer ones.
    func serve(_ sets: [String]?, to device: Device) {
        controller.state.withLock { state in
            state.servedKeySets = sets
            state.keySets = publishers.sets
        }
        device.offeredKeySet = 1 << 40
    }

    /// Orders what a controller may order.
    func order(_ run: String, fallback: String?, on device: Device, number: UInt64) throws {
        guard let run = versions[run]?.resource else { return }
        restoreDatabase()
        let claims = claims(device, number, run, fallback.flatMap { versions[$0]?.resource })
        device.order(number, signed: try claims.signed(with: assignmentKey))
    }

    private func restoreDatabase() {
        controller.state.withLock { state in
            state.versions = [:]
            state.files = [:]
            state.servedKeySets = []
        }
        for version in versions.values { offer(version) }
    }

    private func offer(_ version: PublishedVersion) {
        controller.state.withLock { state in
            state.versions[version.resource.digest] = version.resource
            state.files.merge(version.files) { $1 }
        }
    }

    private func claims(
        _ device: Device, _ number: UInt64, _ run: VersionResource, _ fallback: VersionResource?
    ) -> AssignmentClaims {
        AssignmentClaims(
            device: device.id, number: number, model: model,
            run: .init(version: run.version, digest: run.digest, sizeBytes: 100),
            fallback: fallback.map { .init(version: $0.version, digest: $0.digest) }, deployment: nil, rollout: nil,
            retry: number, updatingSeconds: 60, issuedAt: 1_000_000_000, expiresAt: 4_000_000_000)
    }
}
