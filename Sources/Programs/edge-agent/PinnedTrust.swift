import Cryptography
import DeviceAgent
import Fleet
import ModelTrust

/// Trust decisions by the keys that the enrolment token pinned.
struct PinnedTrust: VersionVerifying {
    private let assignmentKeys: [PublicKey]
    private let verifier: ModelVerifier
    private let device: DeviceID

    init(_ keys: TrustedKeys, device: DeviceID) throws {
        assignmentKeys = [try PublicKey(pem: keys.assignmentKey)]
        verifier = ModelVerifier(trustedKeys: try keys.publisherKeys.map { try PublicKey(pem: $0) })
        self.device = device
    }

    func claims(in text: String) throws(AssignmentRefusal) -> AssignmentClaims {
        try AssignmentClaims(verifying: text, trustedKeys: assignmentKeys, device: device)
    }

    func authenticate(bundle: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion {
        try verifier.authenticate(bundle: bundle)
    }

    func verify(bundle: [UInt8], files: [FileDigest], manifest: [UInt8]) throws(ArtifactRefusal) -> VerifiedVersion {
        try verifier.verify(bundle: bundle, files: files, manifest: manifest)
    }
}
