import Fleet
import Testing

@testable import EdgeOrchestrator

@Suite struct ModelFileTests {
    private let digest: Digest

    init() throws {
        digest = try #require(Digest(hex: String(repeating: "0123456789abcdef", count: 4)))
    }

    @Test(
        "a file's name tells model and version, its content the rest of the version",
        arguments: [
            ("yolov8n_v2.onnx", false, "yolov8n", "v2-0123456789ab"),
            ("object_detector-v1.2.0.tflite", false, "object_detector", "v1.2.0-0123456789ab"),
            ("resnet-50.onnx", false, "resnet", "50-0123456789ab"),
            ("detector.onnx", false, "detector", "sha-0123456789ab"),
            ("detector_v3", true, "detector", "v3-0123456789ab"),
            ("yolov8n_v2.onnx", true, "yolov8n", "v2.onnx-0123456789ab"),
            ("_weights (final).bin", false, "weights--final", "sha-0123456789ab"),
            ("v2.onnx", false, "v2", "sha-0123456789ab"),
        ])
    func names(file: String, isDirectory: Bool, model: String, version: String) throws {
        let read = try ModelFile(name: file, isDirectory: isDirectory, digest: digest)
        #expect(read.model == model && read.version == version)
    }

    @Test("a name without a letter or digit is refused, with what to do")
    func nameless() {
        let error = #expect(throws: VersionSourceError.self) {
            try ModelFile(name: "___", isDirectory: false, digest: digest)
        }
        #expect(error?.description.contains("say which model it is") == true)
    }
}

@Suite struct HardwareInfoTests {
    @Test("facts become labels that selectors find")
    func labels() throws {
        let labels = try Labels(hardware: [
            "platform": "raspberry_pi_4", "ram_gb": 4, "storage_gb": 32.0, "gpu": false, "note": "two words!",
        ])
        #expect(
            labels.dictionary == [
                "platform": "raspberry_pi_4", "ram_gb": "4", "storage_gb": "32", "gpu": "false", "note": "two_words",
            ])
        #expect(try Selector("platform=raspberry_pi_4,ram_gb in (4,8)").matches(labels))
    }
}
