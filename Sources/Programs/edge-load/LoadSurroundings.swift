import Cryptography
import Fleet
import Foundation
import ModelTrust
import Orchestration
import Rollouts
import Synchronization
import WireFormat

/// The store that is measured, and how long its commits took.
final class TimedStore: OrchestratorStore {
    private let store: any OrchestratorStore
    private let taken = Mutex(0.0)

    init(_ store: any OrchestratorStore) { self.store = store }

    /// The time of all commits since the last reset, in seconds.
    var seconds: Double { taken.withLock { $0 } }

    func reset() { taken.withLock { $0 = 0 } }

    func commit(_ changes: [StoreChange]) throws {
        let began = ContinuousClock.now
        try store.commit(changes)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        taken.withLock { $0 += seconds }
    }

    func load() throws -> StoredState { try store.load() }

    func settle() throws -> Bool { try store.settle() }

    func experiment(rollout: RolloutID, step: Int) throws -> StoredExperiment? {
        try store.experiment(rollout: rollout, step: step)
    }

    func evidence(rollout: RolloutID, step: Int) throws -> [EvidenceRow] {
        try store.evidence(rollout: rollout, step: step)
    }

    func audit(after: UInt64, limit: Int) throws -> [AuditEvent] { try store.audit(after: after, limit: limit) }

    func newestAudit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        try store.newestAudit(before: before, limit: limit)
    }

    func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        try store.auditCheckpoints(after: after, limit: limit)
    }

    func newestAuditCheckpoint() throws -> AuditMark? { try store.newestAuditCheckpoint() }

    func drawnSteps() throws -> [DrawnStep] { try store.drawnSteps() }

    func evidenceExtent(of step: DrawnStep, limit: Int) throws -> StoredExtent {
        try store.evidenceExtent(of: step, limit: limit)
    }

    func auditExtent(through number: UInt64, limit: Int) throws -> StoredExtent {
        try store.auditExtent(through: number, limit: limit)
    }

    func auditBeginning() throws -> AuditMark? { try store.auditBeginning() }

    func reply(key: String) throws -> StoredReply? { try store.reply(key: key) }

    func probe() throws { try store.probe() }
}

/// Time that passes with the ticks.
final class LoadClock: OrchestratorClock {
    private let milliseconds = Mutex<Int64>(1_800_000_000_000)

    func now() -> Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }

    func pass(seconds: Double) { milliseconds.withLock { $0 += Int64(seconds * 1000) } }
}

/// Real digests and signatures; no version is verified, because none is pushed.
struct LoadCryptography: OrchestratorCryptography {
    private let key: SigningKey

    init() throws { key = try SigningKey.generate() }

    var assignmentKeyPEM: String { key.publicKey.pem }

    func digest(_ bytes: [UInt8]) -> Digest { SHA256().digest(of: bytes) }

    func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    func sign(_ assignment: AssignmentClaims) throws -> String { try assignment.signed(with: key) }

    func sign(payload: [UInt8], type: String) throws -> String {
        try CompactJWS.sign(payload, type: type, with: key)
    }

    func fingerprint(publicKeyPEM: String) throws -> Digest { try PublicKey(pem: publicKeyPEM).fingerprint }

    func verifyVersion(
        bundle: String, manifest: [UInt8], files: [(path: String, digest: Digest)], keys: KnownPublisherKeys
    ) throws -> AcceptedVersion {
        throw LoadFailure("no version is pushed here")
    }

    func followKeySets(_ envelopes: [String]) throws -> AcceptedKeySet {
        throw LoadFailure("there are no key sets here")
    }
}

/// A store without artifacts.
struct NoArtifacts: ArtifactStore {
    func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws -> UploadStatus {
        throw LoadFailure("nothing is uploaded here")
    }

    func append(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        throw LoadFailure("nothing is uploaded here")
    }

    func uploadStatus(_ digest: Digest) throws -> UploadStatus? { nil }

    func file(_ digest: Digest) throws -> ArtifactFile? { nil }

    func files() throws -> [Retention.StoredFile] { [] }

    func remove(_ file: Retention.StoredFile) throws -> Bool { false }
}

/// Says what went wrong, and nothing else.
struct QuietLog: OrchestratorLog {
    func info(_ event: String, _ facts: [String: String]) {}

    func warning(_ event: String, _ facts: [String: String]) { error(event, facts) }

    func error(_ event: String, _ facts: [String: String]) {
        let told = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        FileHandle.standardError.write(Data("\(event) \(told)\n".utf8))
    }
}

/// What was asked cannot be done.
struct LoadFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
