import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing

@Suite struct ModelSignerTests {
    let directory: TemporaryDirectory
    let key: SigningKey
    let signed: SignedVersion

    init() throws {
        directory = try TemporaryDirectory()
        key = try SigningKey.generate()
        try directory.write([UInt8](repeating: 7, count: 3_000_000), to: "model.onnx")
        try directory.write(Array("cat\ndog\n".utf8), to: "data/labels.txt")
        try directory.write(Self.manifest("digits"), to: "edge-version.json")
        signed = try ModelSigner(key: key).sign(directory: directory.path)
        try directory.write(signed.bundle, to: "model.sig")
    }

    static func manifest(_ model: String) -> [UInt8] {
        Array(#"{"entry":"model.onnx","model":"\#(model)","releaseCounter":1,"version":"v1"}"#.utf8)
    }

    func verify() throws -> VerifiedVersion {
        try ModelVerifier(trustedKeys: [key.publicKey]).verify(directory: directory.path)
    }

    func code(_ change: () throws -> Void) throws -> String? {
        try change()
        do {
            _ = try verify()
            return nil
        } catch let refusal as any TrustRefusal {
            return refusal.code
        }
    }

    @Test("a signed directory is verified, and signing it again gives the same version")
    func verified() throws {
        let version = try verify()
        #expect(version == signed.version)
        #expect(version.files.map(\.path.rawValue) == ["data/labels.txt", "edge-version.json", "model.onnx"])
        #expect(signed.sizeBytes == UInt64(3_000_008 + Self.manifest("digits").count))
        #expect(try ModelSigner(key: key).sign(directory: directory.path).version.digest == version.digest)
        #expect(try ModelSigner(key: .generate()).sign(directory: directory.path).version.digest == version.digest)
    }

    @Test("a flipped bit in a file is refused")
    func flippedContent() throws {
        var content = [UInt8](repeating: 7, count: 3_000_000)
        content[2_999_999] ^= 1
        #expect(try code { try directory.write(content, to: "model.onnx") } == "hash_mismatch")
    }

    @Test("a missing, added or renamed file is refused")
    func movedFiles() throws {
        let files = FileManager.default
        #expect(try code { try directory.write([1], to: "data/extra") } == "file_unexpected")
        try files.removeItem(atPath: "\(directory.path)/data/extra")
        #expect(try code { try directory.write(signed.bundle, to: "data/model.sig") } == "file_unexpected")
        try files.removeItem(atPath: "\(directory.path)/data/model.sig")
        let labels = "\(directory.path)/data/labels.txt"
        #expect(try code { try files.moveItem(atPath: labels, toPath: labels + "2") } == "file_missing")
        try files.removeItem(atPath: labels + "2")
        #expect(try code {} == "file_missing")
    }

    @Test("an edge-version.json of another model is refused, and so is its absence")
    func foreignManifest() throws {
        #expect(try code { try directory.write(Self.manifest("faces"), to: "edge-version.json") } == "hash_mismatch")
        let path = "\(directory.path)/edge-version.json"
        #expect(try code { try FileManager.default.removeItem(atPath: path) } == "file_missing")
    }

    @Test("a whole version of another model is refused where this one was asked for")
    func swappedVersion() throws {
        try directory.write(Self.manifest("faces"), to: "edge-version.json")
        try directory.write(try ModelSigner(key: key).sign(directory: directory.path).bundle, to: "model.sig")
        let version = try verify()
        let refusal = #expect(throws: ArtifactRefusal.self) { try version.require(model: try ModelName("digits")) }
        #expect(refusal?.code == "manifest_mismatch")
    }

    @Test("a flipped bit anywhere in the bundle is refused", arguments: [0, 5] as [UInt8])
    func flippedBundle(bit: UInt8) throws {
        let verifier = ModelVerifier(trustedKeys: [key.publicKey])
        // The last byte is the newline after the document: it carries nothing.
        for index in signed.bundle.indices.dropLast() {
            var altered = signed.bundle
            altered[index] ^= 1 << bit
            #expect(throws: ArtifactRefusal.self, "byte \(index)") { try verifier.authenticate(bundle: altered) }
        }
    }

    @Test("a bundle of an unpinned key and a missing bundle are refused")
    func foreignBundle() throws {
        let foreign = try ModelSigner(key: .generate()).sign(directory: directory.path).bundle
        #expect(try code { try directory.write(foreign, to: "model.sig") } == "signature_unknown_key")
        let path = "\(directory.path)/model.sig"
        #expect(try code { try FileManager.default.removeItem(atPath: path) } == "file_unreadable")
    }

    @Test("a single file is signed and verified as such, and is no version; a version is no single file")
    func singleFile() throws {
        let file = "\(directory.path)/model.onnx"
        let bundle = try ModelSigner(key: key).sign(file: file, subject: "model.onnx")
        try directory.write(bundle, to: "one.sig")
        let verifier = ModelVerifier(trustedKeys: [key.publicKey])
        func code(_ signature: String) -> String? {
            do {
                _ = try verifier.verify(file: file, signature: "\(directory.path)/\(signature)")
                return nil
            } catch {
                return (error as? any TrustRefusal)?.code
            }
        }
        #expect(code("one.sig") == nil)
        #expect(code("model.sig") == "statement_malformed")
        #expect(throws: ArtifactRefusal.self) { try verifier.authenticate(bundle: bundle) }
        // The same bytes, but as a directory's only file, and beside another file.
        let digest = try FileHashing.sha256(ofFile: file).digest
        let named = FileDigest(path: try ArtifactPath("model.onnx"), digest: digest)
        let whole = FileDigest(path: .wholeFile, digest: digest)
        for files in [[named], [whole, named]] {
            try directory.write(try ModelSigner(key: key).sign(files: files, subject: "m"), to: "files.sig")
            #expect(code("files.sig") == "statement_malformed", "\(files.map(\.path))")
        }
        let stranger = try SigningKey.generate()
        try directory.write(try ModelSigner(key: stranger).sign(file: file, subject: "m"), to: "other.sig")
        #expect(code("other.sig") == "signature_unknown_key")
        try directory.write([1], to: "model.onnx")
        #expect(code("one.sig") == "hash_mismatch")
    }

    @Test("a symbolic link and a pipe are refused, wherever they point")
    func specialFiles() throws {
        let link = "\(directory.path)/data/link"
        let relink = { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "labels.txt") }
        #expect(try code(relink) == "symlink_forbidden")
        try FileManager.default.removeItem(atPath: link)
        let linkedDirectory = { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: ".") }
        #expect(try code(linkedDirectory) == "symlink_forbidden")
        try FileManager.default.removeItem(atPath: link)
        let made = unsafe mkfifo(link, 0o600)
        #expect(made == 0)
        #expect(try code {} == "special_file_forbidden")
    }

    @Test("a directory that does not describe itself is not signed")
    func unsignable() throws {
        let signer = ModelSigner(key: key)
        try directory.write(Array("{}".utf8), to: "edge-version.json")
        #expect(throws: ArtifactRefusal.self) { try signer.sign(directory: directory.path) }
        try FileManager.default.removeItem(atPath: "\(directory.path)/edge-version.json")
        #expect(throws: ArtifactRefusal.manifestMissing) { try signer.sign(directory: directory.path) }
        #expect(throws: FileAccessError.self) { try signer.sign(directory: "\(directory.path)/absent") }
        #expect(throws: FileAccessError.self) { try signer.sign(directory: "\(directory.path)/model.onnx") }
    }
}
