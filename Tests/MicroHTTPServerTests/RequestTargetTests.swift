import Testing

@testable import MicroHTTPServer

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/", "/", []),
            ("/v1/devices?limit=10&limit=20", "/v1/devices", ["limit=10", "limit=20"]),
            ("/a%2Fb%20c+d?k+1=v%2B1", "/a/b c+d", ["k 1=v+1"]),
            ("/x?", "/x", []),
            ("/x?a&&=b&c=d=e", "/x", ["a=", "=b", "c=d=e"]),
            ("/%C3%BC?q=%e2%82%ac", "/ü", ["q=€"]),
            ("http://host:80/p?x=1", "/p", ["x=1"]),
            ("http://host", "/", []),
        ] as [(String, String, [String])])
    func `a target is taken apart and decoded`(raw: String, path: String, query: [String]) throws {
        let target = try RequestTarget(Array(raw.utf8))
        #expect(target.path == path)
        #expect(target.query.map { "\($0.name)=\($0.value)" } == query)
    }

    @Test(
        arguments: [
            ("", .notAbsolute), ("*", .notAbsolute), ("host:443", .notAbsolute), ("/a b", .unescapedByte),
            ("/%", .brokenPercentEncoding), ("/%4", .brokenPercentEncoding), ("/%zz", .brokenPercentEncoding),
            ("/?a=%g1", .brokenPercentEncoding), ("/%ff", .notUTF8), ("/?q=%c3", .notUTF8), ("/%00", .nulByte),
        ] as [(String, RequestTarget.Fault)])
    func `a broken target says what is wrong`(raw: String, fault: RequestTarget.Fault) {
        #expect(throws: fault) { try RequestTarget(Array(raw.utf8)) }
    }

    @Test func `bytes that are not UTF-8 are refused even when they are not escaped`() {
        #expect(throws: RequestTarget.Fault.notUTF8) { try RequestTarget([0x2F, 0xFF]) }
    }
}
