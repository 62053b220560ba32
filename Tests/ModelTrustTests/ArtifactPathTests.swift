import ModelTrust
import Testing

@Suite struct ArtifactPathTests {
    @Test(
        "ordinary paths are taken",
        arguments: ["model.onnx", "a/b/c.bin", "..a", "a..", "weights/ü.bin", "a b", "." + "git"])
    func accepted(text: String) throws {
        #expect(try ArtifactPath(text).rawValue == text)
    }

    @Test(
        "paths that leave the directory or have two readings are refused",
        arguments: [
            "", "/etc/passwd", "..", "../x", "a/../b", "a/..", ".", "./a", "a/.", "a//b", "a/", "a\\b", "a\0b", "a\nb",
            "a\u{7F}", String(repeating: "x", count: 256), String(repeating: "x/", count: 600) + "x",
        ])
    func refused(text: String) {
        #expect(throws: InvalidArtifactPath.self) { try ArtifactPath(text) }
    }

    @Test("two spellings of one letter are two paths")
    func bytesDecide() throws {
        let composed = try ArtifactPath("caf\u{E9}")
        let decomposed = try ArtifactPath("cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(decomposed < composed)
    }
}
