import Fleet
import ModelTrust
import Testing

@Suite struct VersionTrustTests {
    let publisher = ToyKey(name: "publisher")
    var trust: VersionTrust<ToyKey, ToyDigest> {
        VersionTrust(trustedKeys: [ToyKey(name: "other"), publisher], hashing: ToyDigest())
    }

    static let manifest = #"{"entry":"model.onnx","model":"digits","releaseCounter":1,"version":"v1"}"#.bytes

    static func files(_ contents: [(String, [UInt8])]) throws -> [FileDigest] {
        var files: [FileDigest] = []
        for (path, content) in contents {
            files.append(FileDigest(path: try ArtifactPath(path), digest: ToyDigest().digest(of: content)))
        }
        return files
    }

    static func ordinaryFiles() throws -> [FileDigest] {
        try files([("model.onnx", [1, 2, 3]), ("edge-version.json", manifest), ("data/labels.txt", [4])])
    }

    func sign(payload: [UInt8], with key: ToyKey? = nil) throws -> [UInt8] {
        let key = key ?? publisher
        let message = DSSE.preAuthenticationEncoding(payloadType: DSSE.inTotoPayloadType, payload: payload)
        return SignatureBundle(
            keyHint: key.pemDigest.hex, payload: payload, signature: key.derSignature(over: message)
        ).serialized()
    }

    func sign(_ files: [FileDigest], with key: ToyKey? = nil) throws -> [UInt8] {
        try sign(payload: try ModelStatement(subject: "m", files: files, hashing: ToyDigest()).serialized(), with: key)
    }

    @Test("a version whose signature, files and description agree is verified")
    func verified() throws {
        let files = try Self.ordinaryFiles()
        let bundle = try sign(files)
        let version = try trust.verify(bundle: bundle, files: files.reversed(), manifest: Self.manifest)
        #expect(version.manifest.model.rawValue == "digits")
        #expect(version.files.map(\.path.rawValue) == ["data/labels.txt", "edge-version.json", "model.onnx"])
        #expect(version.signer == publisher.fingerprint)
        #expect(version.digest == ToyDigest().digest(of: try SignatureBundle(parsing: bundle).payload))
    }

    @Test("the digest is the payload's: who signs does not change what the version is")
    func digestIsThePayloads() throws {
        let files = try Self.ordinaryFiles()
        let first = try trust.authenticate(bundle: try sign(files))
        let second = try trust.authenticate(bundle: try sign(files.shuffled(), with: ToyKey(name: "other")))
        #expect(first.digest == second.digest)
        #expect(first.signer != second.signer)
    }

    @Test("a changed, missing, renamed or added file is refused by name")
    func tamperedFiles() throws {
        let files = try Self.ordinaryFiles()
        let bundle = try sign(files)
        let model = try ArtifactPath("model.onnx")
        let changed = FileDigest(path: model, digest: ToyDigest().digest(of: [9]))
        let renamed = FileDigest(path: try ArtifactPath("model2.onnx"), digest: files[0].digest)
        #expect(throws: ArtifactRefusal.hashMismatch(path: model, expected: files[0].digest, actual: changed.digest)) {
            try trust.verify(bundle: bundle, files: [changed] + files[1...], manifest: Self.manifest)
        }
        #expect(throws: ArtifactRefusal.fileMissing(model)) {
            try trust.verify(bundle: bundle, files: Array(files[1...]), manifest: Self.manifest)
        }
        #expect(throws: ArtifactRefusal.fileMissing(model)) {
            try trust.verify(bundle: bundle, files: [renamed] + files[1...], manifest: Self.manifest)
        }
        #expect(throws: ArtifactRefusal.fileUnexpected(renamed.path)) {
            try trust.verify(bundle: bundle, files: files + [renamed], manifest: Self.manifest)
        }
    }

    @Test("a manifest that was swapped after hashing is refused")
    func swappedManifest() throws {
        let files = try Self.ordinaryFiles()
        let other = #"{"entry":"model.onnx","model":"faces","releaseCounter":1,"version":"v1"}"#.bytes
        let refusal = #expect(throws: ArtifactRefusal.self) {
            try trust.verify(bundle: try sign(files), files: files, manifest: other)
        }
        #expect(refusal?.code == "hash_mismatch")
    }

    @Test("a version without edge-version.json is refused")
    func noManifest() throws {
        let files = try Self.files([("model.onnx", [1])])
        #expect(throws: ArtifactRefusal.manifestMissing) {
            try trust.verify(bundle: try sign(files), files: files, manifest: [])
        }
    }

    @Test("an entry or golden inputs that were not signed are refused")
    func unsignedEntry() throws {
        let files = try Self.files([("edge-version.json", Self.manifest)])
        #expect(throws: ArtifactRefusal.fileMissing(try ArtifactPath("model.onnx"))) {
            try trust.verify(bundle: try sign(files), files: files, manifest: Self.manifest)
        }
    }

    @Test("another model, version or digest than asked for is refused")
    func expectations() throws {
        let files = try Self.ordinaryFiles()
        let version = try trust.verify(bundle: try sign(files), files: files, manifest: Self.manifest)
        try version.require(model: try ModelName("digits"), version: try VersionName("v1"), digest: version.digest)
        let faults = [
            #expect(throws: ArtifactRefusal.self) { try version.require(model: try ModelName("faces")) },
            #expect(throws: ArtifactRefusal.self) {
                try version.require(model: try ModelName("digits"), version: try VersionName("v2"))
            },
            #expect(throws: ArtifactRefusal.self) {
                try version.require(model: try ModelName("digits"), digest: version.signer)
            },
        ]
        #expect(faults.map { $0?.code } == ["manifest_mismatch", "manifest_mismatch", "manifest_mismatch"])
    }

    @Test("an unknown key and a foreign signature are told apart")
    func keys() throws {
        let files = try Self.ordinaryFiles()
        let stranger = ToyKey(name: "stranger")
        #expect(throws: ArtifactRefusal.signatureUnknownKey(hint: stranger.pemDigest.hex)) {
            try trust.authenticate(bundle: try sign(files, with: stranger))
        }
        let bundle = try SignatureBundle(parsing: try sign(files, with: stranger))
        let relabelled = SignatureBundle(
            keyHint: publisher.pemDigest.hex, payload: bundle.payload, signature: bundle.signature)
        #expect(throws: ArtifactRefusal.signatureInvalid(key: publisher.fingerprint)) {
            try trust.authenticate(bundle: relabelled.serialized())
        }
    }

    @Test("nothing is parsed before its signature holds")
    func signatureFirst() throws {
        let garbage = SignatureBundle(keyHint: publisher.pemDigest.hex, payload: "{".bytes, signature: [1])
        #expect(throws: ArtifactRefusal.signatureInvalid(key: publisher.fingerprint)) {
            try trust.authenticate(bundle: garbage.serialized())
        }
        let refusal = #expect(throws: ArtifactRefusal.self) {
            try trust.authenticate(bundle: try sign(payload: "{".bytes))
        }
        #expect(refusal?.code == "statement_malformed")
    }

    @Test(
        "a signed statement outside the profile is refused",
        arguments: [
            (#""https://in-toto.io/Statement/v1""#, #""https://in-toto.io/Statement/v0.1""#, "statement_malformed"),
            ("https://model_signing/signature/v1.0", "https://example.com/v1", "statement_malformed"),
            (#""method":"files""#, #""method":"shards""#, "statement_malformed"),
            (#""hash_type":"sha256""#, #""hash_type":"blake3""#, "statement_malformed"),
            (#""allow_symlinks":false"#, #""allow_symlinks":true"#, "statement_malformed"),
            (#""algorithm":"sha256""#, #""algorithm":"blake3""#, "statement_malformed"),
            (#""name":"model.onnx""#, #""name":"../model.onnx""#, "path_forbidden"),
            (#""name":"model.onnx""#, #""name":"data/labels.txt""#, "statement_malformed"),
            (#""resources":["#, #""resources":[],"ignored":["#, "statement_malformed"),
            (#""subject":[{"#, #""subject":[{"name":"x","digest":{}},{"#, "statement_malformed"),
        ])
    func foreignStatements(original: String, replacement: String, code: String) throws {
        let statement = try ModelStatement(subject: "m", files: try Self.ordinaryFiles(), hashing: ToyDigest())
        let text = statement.serialized().text
        let altered = text.replacing(original, with: replacement)
        #expect(altered != text)
        let refusal = #expect(throws: ArtifactRefusal.self) {
            try trust.authenticate(bundle: try sign(payload: altered.bytes))
        }
        #expect(refusal?.code == code)
    }

    @Test("a root digest that is not that of the files is refused")
    func rootMismatch() throws {
        let statement = try ModelStatement(subject: "m", files: try Self.ordinaryFiles(), hashing: ToyDigest())
        let other = ToyDigest().digest(of: [])
        let altered = statement.serialized().text.replacing(statement.root.hex, with: other.hex)
        #expect(throws: ArtifactRefusal.rootMismatch(expected: other, actual: statement.root)) {
            try trust.authenticate(bundle: try sign(payload: altered.bytes))
        }
    }

    @Test(
        "a bundle outside the format is refused before any key is tried",
        arguments: [
            (#"bundle.v0.3+json"#, #"bundle.v0.2+json"#, "bundle_malformed"),
            (#""publicKey":{"hint""#, #""publicKey":{"rawBytes""#, "bundle_malformed"),
            (#""publicKey":{"#, #""certificate":{},"publicKey":{"#, "bundle_unsupported"),
            (#""publicKey":{"#, #""x509CertificateChain":{},"publicKey":{"#, "bundle_unsupported"),
            (#""signatures":["#, #""signatures":[{"sig":"MA=="},"#, "bundle_malformed"),
            (#""payloadType":"application/vnd.in-toto+json""#, #""payloadType":"text/plain""#, "bundle_malformed"),
            (#""payload":"#, #""payload":"","payload2":"#, "bundle_malformed"),
            (#""mediaType""#, #""note":"","mediaType""#, "bundle_malformed"),
        ])
    func foreignBundles(original: String, replacement: String, code: String) throws {
        let text = try sign(try Self.ordinaryFiles()).text
        let altered = text.replacing(original, with: replacement)
        #expect(altered != text)
        let refusal = #expect(throws: ArtifactRefusal.self) { try trust.authenticate(bundle: altered.bytes) }
        #expect(refusal?.code == code)
    }

    @Test("a revoked key's signature is refused by that name, and counts only for what was accepted before")
    func revokedKey() throws {
        let files = try Self.ordinaryFiles()
        let text = try sign(files).text.bytes
        let key = try #require(try? trust.authenticate(bundle: text)).signer
        let later = VersionTrust(
            trustedKeys: [ToyKey(name: "next")], revokedKeys: [publisher], hashing: ToyDigest())
        #expect(throws: ArtifactRefusal.signatureRevokedKey(key: key)) { try later.authenticate(bundle: text) }
        #expect(try later.withRevoked.authenticate(bundle: text).signer == key)
        let forged = SignatureBundle(
            keyHint: publisher.pemDigest.hex, payload: try SignatureBundle(parsing: text).payload, signature: [1])
        #expect(throws: ArtifactRefusal.signatureInvalid(key: key)) {
            try later.withRevoked.authenticate(bundle: forged.serialized())
        }
    }

    @Test("every refusal has its own code and a sentence")
    func codes() throws {
        let digest = ToyDigest().digest(of: [])
        let refusals: [ArtifactRefusal] = [
            .bundleMalformed(reason: "r"), .bundleUnsupported(method: "m"), .signatureUnknownKey(hint: "h"),
            .signatureRevokedKey(key: digest), .signatureInvalid(key: digest), .statementMalformed(reason: "r"),
            .rootMismatch(expected: digest, actual: digest),
            .pathForbidden(InvalidArtifactPath(text: "t", fault: "f")), .notAFile(.manifest), .fileMissing(.manifest),
            .fileUnexpected(.manifest),
            .hashMismatch(path: .manifest, expected: digest, actual: digest), .manifestMissing,
            .manifestMalformed(reason: "r"), .manifestMismatch(field: "f", expected: "e", actual: "a"),
        ]
        #expect(refusals.map(\.code) == ArtifactRefusal.codes)
        #expect(Set(refusals.map(\.description)).count == refusals.count)
        #expect(refusals.allSatisfy { $0.description.hasSuffix(".") })
    }
}
