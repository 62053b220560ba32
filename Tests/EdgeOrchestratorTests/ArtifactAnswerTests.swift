import CurlClient
import Fleet
import Testing

@testable import EdgeOrchestrator

@Suite struct ArtifactAnswerTests {
    private let digest: Digest

    init() throws {
        digest = try #require(Digest(hex: String(repeating: "ab", count: 32)))
    }

    private func start(_ status: Int, _ headers: [String: String]) throws -> UInt64 {
        try ArtifactAnswer(CurlResponseHead(status: status, headers: headers), digest: digest, sizeBytes: 1000)
            .start(of: 100..<200)
    }

    @Test("the part that was asked for begins where it was asked for")
    func part() throws {
        #expect(try start(206, ["content-range": "bytes 100-199/1000"]) == 100)
        #expect(try start(206, ["content-range": "bytes 100-199/1000", "etag": "\"\(digest)\""]) == 100)
    }

    @Test("the whole file begins at 0, and a refusal is no part of anything")
    func whole() throws {
        #expect(try start(200, ["content-length": "1000"]) == 0)
        #expect(try start(200, [:]) == 0)
        #expect(try start(503, ["etag": "\"x\"", "content-length": "7"]) == 0)
    }

    @Test(
        "other parts, other files and pages are refused by their heads",
        arguments: [
            (206, "content-range", "bytes 101-199/1000"), (206, "content-range", "bytes 100-198/1000"),
            (206, "content-range", "bytes 100-199/999"), (206, "content-length", "100"), (206, "etag", "\"other\""),
            (200, "etag", "\"other\""), (200, "content-length", "999"), (200, "content-length", "text"),
        ])
    func refused(status: Int, name: String, value: String) {
        #expect(throws: ArtifactAnswerFault.self) { try start(status, [name: value]) }
    }
}
