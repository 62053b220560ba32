import Cryptography
import Fleet
import ModelTrust
import Orchestration
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
        bundle: String, manifest: [UInt8], files: [(path: String, digest: Digest)], publisherKeysPEM: [String]
    ) throws -> AcceptedVersion {
        throw VersionRefusal(code: "signature_invalid", sentence: "nothing is verified here")
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
}
