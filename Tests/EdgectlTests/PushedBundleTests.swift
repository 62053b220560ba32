import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import Foundation
import ModelTrust
import Testing
import WireFormat

@testable import edgectl

/// `edgectl model push --bundle`: a signature from elsewhere is pushed as it is, after it was checked here.
@Suite struct PushedBundleTests {
    private let directory: String
    private let bundlePath: String
    private let key: SigningKey
    private let bundle: String

    init() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "bundle-\(UUID().uuidString)").path
        directory = root + "/version"
        bundlePath = root + "/elsewhere.sig"
        key = try SigningKey.generate()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Self.write("weights", directory + "/model.bin")
        try Self.write(
            #"{"model":"digits","version":"v1","releaseCounter":1,"entry":"model.bin"}"#,
            directory + "/edge-version.json")
        let signed = try ModelSigner(key: key).sign(directory: directory)
        // Other tools write other whitespace; what is pushed must be what was signed, byte for byte.
        bundle = String(decoding: signed.bundle, as: UTF8.self).replacing(",", with: ", ")
        try Self.write(bundle, bundlePath)
    }

    private static func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func prepare(
        by other: PublicKey? = nil, as name: (String, String) = ("digits", "v1")
    ) throws -> PreparedVersion {
        try PreparedVersion(
            directory: directory, bundle: bundlePath, by: other ?? key.publicKey,
            as: (try ModelName(name.0), try VersionName(name.1)))
    }

    private func refusal(by other: PublicKey? = nil, as name: (String, String) = ("digits", "v1")) -> String? {
        do {
            _ = try prepare(by: other, as: name)
            return nil
        } catch {
            return (error as? CommandFailure).map { "\($0.status.rawValue) \($0)" } ?? "\(error)"
        }
    }

    @Test("a bundle that signs the directory is taken byte for byte, with every file")
    func taken() throws {
        let prepared = try prepare()
        #expect(prepared.bundle == bundle)
        #expect(prepared.files.map(\.path) == ["edge-version.json", "model.bin"])
        #expect(prepared.files.map(\.sizeBytes) == [72, 7])
    }

    @Test("a signature that is in the directory already does not matter")
    func otherSignature() throws {
        try Self.write("{}", directory + "/model.sig")
        #expect(try prepare().bundle == bundle)
    }

    @Test(
        "a bundle is refused where the files differ, with the file and the reason",
        arguments: [
            ("model.bin", "Weights", "hash_mismatch"), ("model.bin", nil, "file_missing"),
            ("more.txt", "x", "file_unexpected"), ("edge-version.json", "{}", "hash_mismatch"),
        ] as [(String, String?, String)])
    func different(file: String, content: String?, code: String) throws {
        let path = directory + "/" + file
        if let content { try Self.write(content, path) } else { try FileManager.default.removeItem(atPath: path) }
        let said = try #require(refusal())
        #expect(said.hasPrefix("2 ") && said.contains(file) && said.contains(code) && said.contains(bundlePath))
    }

    @Test("a bundle of another key, a broken one and one without edge-version.json are refused")
    func foreign() throws {
        #expect(refusal(by: try SigningKey.generate().publicKey)?.contains("signature_unknown_key") == true)
        let other = try ModelSigner(key: try SigningKey.generate()).sign(directory: directory).bundle
        let signature = try SignatureBundle(parsing: other).signature
        let parsed = try SignatureBundle(parsing: Array(bundle.utf8))
        let mixed = SignatureBundle(keyHint: parsed.keyHint, payload: parsed.payload, signature: signature)
        try Self.write(String(decoding: mixed.serialized(), as: UTF8.self), bundlePath)
        #expect(refusal()?.contains("signature_invalid") == true)
        try Self.write("no bundle", bundlePath)
        #expect(refusal()?.contains("bundle_malformed") == true)
        try Self.write(bundle, bundlePath)
        try FileManager.default.removeItem(atPath: directory + "/edge-version.json")
        #expect(refusal()?.contains("has no edge-version.json") == true)
    }

    @Test("a version is pushed as what it says it is", arguments: [("digits", "v2"), ("faces", "v1")])
    func otherName(name: (String, String)) throws {
        #expect(refusal(as: name)?.contains("says digits v1, not \(name.0) \(name.1)") == true)
    }

    @Test("--bundle needs the key that made it, and signs nothing itself")
    func options() throws {
        let push = ["model", "push", "digits", "v1", "dir", "--bundle", "b"]
        #expect(throws: (any Error).self) { try Edgectl.parseAsRoot(push) }
        #expect(throws: (any Error).self) { try Edgectl.parseAsRoot(push + ["--pub", "p", "--key", "k"]) }
        #expect(throws: (any Error).self) { try Edgectl.parseAsRoot(Array(push.dropLast(2)) + ["--pub", "p"]) }
        _ = try Edgectl.parseAsRoot(push + ["--pub", "p"])
    }
}
