import Fleet
import ModelTrust
import Testing

@Suite struct EdgeVersionManifestTests {
    static let full = #"""
        {"compatibility":{"arch":"aarch64","minMemoryBytes":1073741824,"runtime":"onnxruntime"},"entry":"model.onnx",\#
        "metadata":{"git":"3e7bb71"},"model":"object_detector","releaseCounter":12,\#
        "smokeTest":{"goldenInputs":"golden.json","latencyBudgetMs":50.0,"tolerance":0.001},"version":"v2.0.0"}
        """#

    @Test("every member is read, and written back to the same bytes")
    func roundTrip() throws {
        let manifest = try EdgeVersionManifest(parsing: Self.full.bytes)
        #expect(manifest.model.rawValue == "object_detector")
        #expect(manifest.version.rawValue == "v2.0.0")
        #expect(manifest.releaseCounter == 12)
        #expect(manifest.compatibility.minMemoryBytes == 1 << 30)
        #expect(manifest.smokeTest?.latencyBudgetMs == 50)
        #expect(manifest.metadata == ["git": "3e7bb71"])
        #expect(manifest.serialized().text == Self.full)
    }

    @Test("a manifest made in code is read back from its text")
    func madeInCode() throws {
        let manifest = EdgeVersionManifest(
            model: try ModelName("digits"), version: try VersionName("v1"), releaseCounter: 1 << 52,
            compatibility: .init(arch: "x86_64", runtime: "onnxruntime", minMemoryBytes: 1),
            entry: try ArtifactPath("m.onnx"),
            smokeTest: .init(goldenInputs: try ArtifactPath("golden.json"), tolerance: 0, latencyBudgetMs: 0.5),
            metadata: ["git": "abc"])
        #expect(try EdgeVersionManifest(parsing: manifest.serialized()) == manifest)
    }

    @Test("model, version, counter and entry are enough")
    func minimal() throws {
        let text = #"{"model":"m","version":"v1","releaseCounter":0,"entry":"m.bin"}"#
        let manifest = try EdgeVersionManifest(parsing: text.bytes)
        #expect(manifest.smokeTest == nil)
        #expect(manifest.compatibility == EdgeVersionManifest.Compatibility())
        #expect(try EdgeVersionManifest(parsing: manifest.serialized()) == manifest)
    }

    @Test(
        "an unusable manifest is refused with the member's name",
        arguments: [
            (#"{"version":"v1","releaseCounter":0,"entry":"m"}"#, "model is missing"),
            (#"{"model":"../m","version":"v1","releaseCounter":0,"entry":"m"}"#, "model: "),
            (#"{"model":"m","version":"v1","releaseCounter":-1,"entry":"m"}"#, "releaseCounter must be within"),
            (
                #"{"model":"m","version":"v1","releaseCounter":9007199254740992,"entry":"m"}"#,
                "releaseCounter must be within"
            ),
            (#"{"model":"m","version":"v1","releaseCounter":1.0,"entry":"m"}"#, "releaseCounter must be an integer"),
            (#"{"model":"m","version":"v1","releaseCounter":0,"entry":"/m"}"#, "entry: "),
            (#"{"model":"m","version":"v1","releaseCounter":0,"entry":"m","gpu":1}"#, "gpu is not known here"),
            (
                #"{"model":"m","version":"v1","releaseCounter":0,"entry":"m","compatibility":{"gpu":1}}"#,
                "compatibility.gpu"
            ),
            (
                #"{"model":"m","version":"v1","releaseCounter":0,"entry":"m","metadata":{"a":1}}"#,
                "metadata.a must be a string"
            ),
            (
                #"{"model":"m","version":"v1","releaseCounter":0,"entry":"m","#
                    + #""smokeTest":{"goldenInputs":"g","tolerance":-1,"latencyBudgetMs":1}}"#,
                "smokeTest.tolerance must not be negative"
            ),
            (
                #"{"model":"m","version":"v1","releaseCounter":0,"entry":"m","#
                    + #""smokeTest":{"goldenInputs":"g","tolerance":0,"latencyBudgetMs":0}}"#,
                "smokeTest.latencyBudgetMs must be more than 0"
            ),
            ("[]", "the document must be an object"), ("{", "at byte 1"),
        ])
    func refused(text: String, reason: String) throws {
        let refusal = #expect(throws: ArtifactRefusal.self) { try EdgeVersionManifest(parsing: text.bytes) }
        #expect(refusal?.code == "manifest_malformed")
        #expect(refusal?.description.contains(reason) == true)
    }
}
