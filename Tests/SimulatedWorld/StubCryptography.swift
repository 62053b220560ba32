import Cryptography
import Fleet
import ModelTrust
import Orchestration
import Rollouts
import Synchronization
import WireFormat

/// Real digests, randomness from a seed, and signatures that are checked elsewhere.
final class StubCryptography: OrchestratorCryptography {
    private let chance: Mutex<SeededChance>

    init(seed: UInt64) { chance = Mutex(SeededChance(seed: seed, stream: 99)) }

    /// Whether devices get certificates: texts that name the device, for the digest of their request.
    let issuesCertificates = Atomic(false)

    func issueCertificate(
        request: String, to device: DeviceID, at now: Timestamp
    ) throws -> (pem: String, key: Digest)? {
        guard issuesCertificates.load(ordering: .relaxed) else { return nil }
        guard request != "nonsense" else { throw VersionRefusal(code: "no_request", sentence: "it is no request") }
        return ("certificate of \(device)", digest(Array(request.utf8)))
    }

    var assignmentKeyPEM: String { "-----BEGIN PUBLIC KEY-----" }

    func digest(_ bytes: [UInt8]) -> Digest { SHA256().digest(of: bytes) }

    func randomBytes(_ count: Int) -> [UInt8] {
        chance.withLock { chance in (0..<count).map { _ in UInt8(truncatingIfNeeded: chance.next() >> 32) } }
    }

    func sign(_ assignment: AssignmentClaims) throws -> String { assignment.signed(with: StubKey()) }

    func sign(payload: [UInt8], type: String) throws -> String {
        CompactJWS.sign(payload, type: type, with: StubKey())
    }

    func fingerprint(publicKeyPEM: String) throws -> Digest { digest(Array(publicKeyPEM.utf8)) }

    func verifyVersion(
        bundle: String, manifest: [UInt8], files: [(path: String, digest: Digest)], keys: KnownPublisherKeys
    ) throws -> AcceptedVersion {
        throw VersionRefusal(code: "signature_invalid", sentence: "nothing is verified here")
    }

    /// Each "envelope" is a number, and fingerprints of the set's keys behind `+` and of revoked ones behind `-`.
    func followKeySets(_ envelopes: [String]) throws -> AcceptedKeySet {
        let sets = envelopes.map { $0.split(separator: " ").map(String.init) }
        guard sets.map(\.first) == (1...envelopes.count).map({ "\($0)" }) else {
            throw VersionRefusal(code: "key_set_skipped", sentence: "it is not the next one")
        }
        func keys(_ sign: Character) -> [PublisherKey] {
            (sets.last ?? []).filter { $0.first == sign }.map {
                PublisherKey(pem: "pem of \($0.dropFirst())", fingerprint: String($0.dropFirst()))
            }
        }
        return AcceptedKeySet(
            number: UInt64(envelopes.count), keys: keys("+"), revoked: keys("-"), recoveryKey: .zero)
    }
}

/// A store without artifacts.
struct NoArtifacts: ArtifactStore {
    func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws -> UploadStatus {
        UploadStatus(offsetBytes: 0, complete: false)
    }

    func append(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        throw ArtifactStoreError.uploadNotStarted(digest)
    }

    func uploadStatus(_ digest: Digest) throws -> UploadStatus? { nil }

    func file(_ digest: Digest) throws -> ArtifactFile? { nil }

    func files() throws -> [Retention.StoredFile] { [] }

    func remove(_ file: Retention.StoredFile) throws -> Bool { false }
}
