import Cryptography
import Fleet
import Foundation
import ModelTrust
import Orchestration
import WireFormat

/// The controller's cryptography on OpenSSL, and its assignment key in a file.
struct ControllerCryptography: OrchestratorCryptography {
    private let key: SigningKey
    /// Issues the devices' certificates; nil where they get bearer tokens.
    private let deviceAuthority: CertificateAuthority?

    /// Reads the assignment key of a data directory; makes one where there is none, readable by its owner only.
    init(directory: String, deviceAuthority: CertificateAuthority? = nil) throws {
        self.deviceAuthority = deviceAuthority
        let path = directory + "/assignment.key"
        if FileManager.default.fileExists(atPath: path) {
            key = try SigningKey(pem: try String(contentsOfFile: path, encoding: .utf8))
            return
        }
        key = try SigningKey.generate()
        try SecretFile.write(try key.pem(), to: path, overwriting: false)
    }

    var assignmentKeyPEM: String { key.publicKey.pem }

    func digest(_ bytes: [UInt8]) -> Digest { SHA256().digest(of: bytes) }

    func randomBytes(_ count: Int) -> [UInt8] {
        do {
            return try SecureRandom.bytes(count: count)
        } catch {
            // Without randomness no secret can be made; the system's generator never fails once it is seeded.
            fatalError("the system has no random bytes: \(error)")
        }
    }

    func sign(_ assignment: AssignmentClaims) throws -> String {
        try assignment.signed(with: key)
    }

    func sign(payload: [UInt8], type: String) throws -> String {
        try CompactJWS.sign(payload, type: type, with: key)
    }

    func issueCertificate(
        request: String, to device: DeviceID, at now: Timestamp
    ) throws -> (pem: String, key: Digest)? {
        guard let deviceAuthority else { return nil }
        let key = try CertificateRequest(pem: request).publicKey
        let certificate = try deviceAuthority.issue(
            for: .device(device), key: key, from: now, days: ControllerDefaults.deviceCertificateDays)
        return (try certificate.pem(), key.fingerprint)
    }

    func fingerprint(publicKeyPEM: String) throws -> Digest {
        try PublicKey(pem: publicKeyPEM).fingerprint
    }

    func verifyVersion(
        bundle: String, manifest: [UInt8], files: [(path: String, digest: Digest)], keys: KnownPublisherKeys
    ) throws -> AcceptedVersion {
        do {
            let listed = try files.map { FileDigest(path: try ArtifactPath($0.path), digest: $0.digest) }
            let verified = try ModelVerifier(
                trustedKeys: try keys.trusted.map { try PublicKey(pem: $0) },
                revokedKeys: try keys.revoked.map { try PublicKey(pem: $0) }
            ).verify(
                bundle: Array(bundle.utf8), files: listed, manifest: manifest)
            return AcceptedVersion(
                digest: verified.digest, model: verified.manifest.model, version: verified.manifest.version,
                releaseCounter: verified.manifest.releaseCounter, metadata: verified.manifest.metadata,
                publisher: verified.signer.hex)
        } catch let refusal as any TrustRefusal {
            throw VersionRefusal(code: refusal.code, sentence: "\(refusal)")
        } catch let fault as InvalidArtifactPath {
            throw VersionRefusal(code: "path_forbidden", sentence: "\(fault)")
        }
    }
}

extension ControllerCryptography {
    func followKeySets(_ envelopes: [String]) throws -> AcceptedKeySet {
        do throws(KeySetRefusal) {
            guard let first = envelopes.first else { throw .malformed(reason: "there is none") }
            var trust = try PublisherTrust<PublicKey>(beginning: Array(first.utf8))
            for envelope in envelopes { try trust.follow(Array(envelope.utf8)) }
            return AcceptedKeySet(trust)
        } catch {
            throw VersionRefusal(code: error.code, sentence: "\(error)")
        }
    }
}

extension AcceptedKeySet {
    fileprivate init(_ trust: PublisherTrust<PublicKey>) {
        func described(_ key: PublicKey) -> PublisherKey {
            PublisherKey(pem: key.pem, fingerprint: key.fingerprint.hex)
        }
        self.init(
            number: trust.number, keys: trust.keys.map(described), revoked: trust.revoked.map(described),
            recoveryKey: trust.recoveryKey ?? .zero)
    }
}

/// Why the controller does not start, with what to do about it.
struct StartFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The system's clock.
struct SystemClock: OrchestratorClock {
    func now() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
