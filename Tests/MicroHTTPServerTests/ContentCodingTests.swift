import Testing

@testable import MicroHTTPServer

@Suite struct ContentCodingTests {
    @Test(
        arguments: [
            (nil, false), ("", false), ("gzip", true), ("GZIP", true), ("deflate, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false), ("*", true), ("*;q=0", false), ("gzip;q=0, *", false), ("identity", false),
            ("identity;q=1, gzip;q=0.5", false), ("identity;q=0.5, gzip;q=1.0", true), ("br", false), ("x-gzip", true),
            ("gzip;q=abc", false),
        ] as [(String?, Bool)])
    func `gzip is used only where the client prefers it`(header: String?, expected: Bool) {
        #expect(ContentCoding.acceptsGzip(header) == expected)
    }

    @Test(
        arguments: [
            (nil, false), ("text/plain; version=0.0.4", true), ("application/json", true),
            ("application/problem+json", true),
            ("application/openmetrics-text; version=1.0.0", true), ("image/svg+xml", true), ("image/png", false),
            ("application/octet-stream", false),
        ] as [(String?, Bool)])
    func `text shrinks, other types are left alone`(type: String?, expected: Bool) {
        #expect(ContentCoding.isCompressible(contentType: type) == expected)
    }

    @Test func `bytes that do not shrink are not compressed`() {
        var generator = SystemRandomNumberGenerator()
        #expect(Gzip.compress((0..<2000).map { _ in UInt8.random(in: 0...255, using: &generator) }) == nil)
        #expect(Gzip.compress([UInt8](repeating: 65, count: 2000))?.prefix(2) == [0x1F, 0x8B])
    }
}
