import Cryptography
import Fleet
import ModelTrust
import Testing

@Suite(.enabled(if: VectorFiles.has("oms"), "vectors absent"))
struct ModelSigningVectorTests {
    @Test("the published key bundle is read, and its statement is sound")
    func keyBundle() throws {
        let text = try VectorFiles.contents("oms/valid/key.bundle.json")
        let bundle = try SignatureBundle(parsing: text)
        #expect(bundle.keyHint == "e8450dec4eb99dae995da9af1bc2cc9f76ed669ee2e744f57abba763df3e3f8e")
        let statement = try ModelStatement(parsing: bundle.payload, hashing: SHA256())
        #expect(statement.root.hex == "92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4")
        #expect(statement.files.map(\.path.rawValue) == ["signme-1", "signme-2"])
        let ours = try SigningKey.generate().publicKey
        #expect(throws: ArtifactRefusal.signatureUnknownKey(hint: bundle.keyHint)) {
            try ModelVerifier(trustedKeys: [ours]).authenticate(bundle: text)
        }
    }

    @Test(
        "the published bundles of other methods are refused by the method's name",
        arguments: [("certificate", "a certificate chain"), ("sigstore", "Sigstore's keyless method")])
    func otherMethods(kind: String, method: String) throws {
        let text = try VectorFiles.contents("oms/valid/\(kind).bundle.json")
        #expect(throws: ArtifactRefusal.bundleUnsupported(method: method)) { try SignatureBundle(parsing: text) }
    }

    @Test(
        "the published invalid bundles are refused",
        arguments: [
            ("empty", "bundle_malformed"), ("missing-envelope", "bundle_malformed"),
            ("missing-tlog-entries", "bundle_unsupported"), ("missing-verification-material", "bundle_malformed"),
        ])
    func invalid(name: String, code: String) throws {
        let text = try VectorFiles.contents("oms/invalid/\(name).bundle.json")
        let refusal = #expect(throws: ArtifactRefusal.self) { try SignatureBundle(parsing: text) }
        #expect(refusal?.code == code)
    }

    @Test("the published statement of another type is refused")
    func wrongPredicate() throws {
        let text = try VectorFiles.contents("oms/invalid-payload/wrong-predicate.bundle.json")
        let bundle = try SignatureBundle(parsing: text)
        let refusal = #expect(throws: ArtifactRefusal.self) {
            try ModelStatement(parsing: bundle.payload, hashing: SHA256())
        }
        #expect(refusal?.code == "statement_malformed")
    }
}
