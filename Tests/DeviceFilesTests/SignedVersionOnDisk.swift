import Cryptography
import DeviceFiles
import Fleet
import Foundation
import ModelTrust

@testable import DeviceAgent

/// A version in a device's state directory, as the agent and `edgectl` look at it.
final class SignedVersionOnDisk {
    let root: String
    let digest: Digest
    let layout: StateLayout
    /// Where the version lies.
    var directory: String { "\(root)/\(layout.version(digest))" }

    /// Lays a version out.
    init(_ content: VersionContent, model: ModelName) throws {
        root = NSTemporaryDirectory() + "tamper-" + UUID().uuidString
        layout = StateLayout(model: model)
        digest = SHA256().digest(of: try SignatureBundle(parsing: content.bundle).payload)
        for (name, bytes) in content.files { try write(bytes, to: name) }
        try write(content.bundle, to: "model.sig")
        try write([1], to: ".sealed")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func write(_ bytes: [UInt8], to name: String) throws {
        let parent = URL(filePath: path(name)).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

    func move(_ name: String, to target: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(target))
    }

    /// Why the agent refuses to use the version; nil where it would.
    func agentRefusal(_ key: PublicKey, version: VersionName) -> String? {
        let store = VersionStore(
            files: StateDirectory(inspecting: root), layout: layout, verifier: PublisherTrust(key: key))
        return Self.code {
            try store.verify(digest).require(model: layout.model, version: version, digest: digest)
        }
    }

    /// Why `edgectl` refuses the directory; nil where it would not.
    func commandLineRefusal(_ key: PublicKey, version: VersionName) -> String? {
        // The seal is the agent's own note and lies in no directory that a person verifies.
        try? remove(".sealed")
        return Self.code {
            try ModelVerifier(trustedKeys: [key]).verify(directory: directory)
                .require(model: layout.model, version: version, digest: digest)
        }
    }

    private static func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch let refusal as any TrustRefusal {
            return refusal.code
        } catch let fault as StorageFault {
            return "storage_failed (\(fault.operation))"
        } catch {
            return "UNNAMED \(error)"
        }
    }
}

/// Files and their signature.
struct VersionContent {
    var files: [String: [UInt8]]
    var bundle: [UInt8]

    /// Signs files as a publisher does.
    init(files: [String: [UInt8]], signedBy key: SigningKey) throws {
        self.files = files
        bundle = try ModelSigner(key: key).sign(files: try Self.digests(files), subject: "digits/v2")
    }

    static func digests(_ files: [String: [UInt8]]) throws -> [FileDigest] {
        try files.map { FileDigest(path: try ArtifactPath($0.key), digest: SHA256().digest(of: $0.value)) }
    }

    static func manifest(model: String = "digits", version: String = "v2") -> [UInt8] {
        Array(#"{"entry":"model.onnx","model":"\#(model)","releaseCounter":2,"version":"\#(version)"}"#.utf8)
    }

    /// A statement that a publisher's key signed although no publisher should: the signature is good.
    static func bundle(payload: [UInt8], signedBy key: SigningKey) throws -> [UInt8] {
        let message = DSSE.preAuthenticationEncoding(payloadType: DSSE.inTotoPayloadType, payload: payload)
        return SignatureBundle(
            keyHint: key.pemDigest.hex, payload: payload, signature: try key.derSignature(over: message)
        ).serialized()
    }
}

private struct PublisherTrust: VersionVerifying {
    let key: PublicKey

    func claims(in text: String) throws(AssignmentRefusal) -> AssignmentClaims { throw .signatureInvalid }

    func authenticate(bundle: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion {
        try ModelVerifier(trustedKeys: [key]).authenticate(bundle: bundle)
    }

    func verify(bundle: [UInt8], files: [FileDigest], manifest: [UInt8]) throws(ArtifactRefusal) -> VerifiedVersion {
        try ModelVerifier(trustedKeys: [key]).verify(bundle: bundle, files: files, manifest: manifest)
    }
}
