import CurlClient
import Foundation
import MicroHTTPServer
import Synchronization
import Testing
import WebMessages

@Suite struct MicroHTTPServerTests {
    @Test func `a request reaches the handler as it was sent, and its answer comes back`() throws {
        let fixture = try ServerFixture { request in
            let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            let text = "\(request.method) \(request.path) \(query) \(request.header("X-Word") ?? "") \(request.peer) "
            return .text(text + String(decoding: request.body, as: UTF8.self), status: 201)
        }
        let response = try fixture.client.send(
            CurlRequest(
                method: "POST", url: fixture.url("/a%20b/c%2Fd?x=1&y=a+b%26c&z"), headers: [("X-Word", "hello")],
                body: .bytes(Array("body".utf8))))
        #expect(response.status == 201)
        #expect(response.text == "POST /a b/c/d x=1&y=a b&c&z= hello 127.0.0.1 body")
        #expect(response.header("Content-Type") == "text/plain")
    }

    @Test func `one connection serves request after request`() throws {
        let fixture = try ServerFixture { _ in .text("ok") }
        for _ in 0..<5 {
            #expect(try fixture.get("/").status == 200)
        }
        #expect(fixture.server.openConnectionCount == 1)
    }

    @Test func `a finished request is reported with its status, size and time`() throws {
        let fixture = try ServerFixture { _ in .text("hello") }
        _ = try fixture.get("/")
        #expect(eventually { fixture.observer.finished.count == 1 })
        let finished = try #require(fixture.observer.finished.first)
        #expect(finished.method == "GET" && finished.status == 200 && finished.bodyBytes == 5 && finished.isComplete)
        #expect(finished.durationSeconds > 0 && finished.durationSeconds < 5)
    }

    @Test func `HEAD is answered like GET without the body`() throws {
        let fixture = try ServerFixture { request in .text("\(request.method) body") }
        let response = try fixture.client.send(CurlRequest(method: "HEAD", url: fixture.url("/")))
        #expect(response.status == 200)
        #expect(response.header("Content-Length") == "8")
        #expect(response.body.isEmpty)
    }

    @Test func `a large text is compressed for a client that accepts it`() throws {
        let text = String(repeating: "edge devices ", count: 400)
        let fixture = try ServerFixture { _ in
            WebResponse(
                status: 200, headers: [("Content-Type", "application/json"), ("ETag", "\"v1\"")],
                body: .bytes(Array(text.utf8)))
        }
        let response = try fixture.get("/")
        #expect(response.text == text)
        #expect(response.header("Content-Encoding") == "gzip")
        #expect(response.header("Vary") == "Accept-Encoding")
        #expect(response.header("ETag") == "W/\"v1\"")
        #expect(eventually { fixture.observer.finished.count == 1 })
        #expect((fixture.observer.finished.first?.bodyBytes ?? .max) < UInt64(text.utf8.count / 4))
    }

    @Test func `a large text is sent as it is to a client that accepts no compression`() throws {
        let text = String(repeating: "edge devices ", count: 400)
        let fixture = try ServerFixture { _ in .text(text) }
        let response = try fixture.get("/", headers: [("Accept-Encoding", "identity")])
        #expect(response.text == text)
        #expect(response.header("Content-Encoding") == nil)
        #expect(response.header("Vary") == "Accept-Encoding")
    }

    @Test func `a weak tag that compression made is strong again for the handler`() throws {
        let fixture = try ServerFixture { request in .text(request.header("If-None-Match") ?? "none") }
        #expect(try fixture.get("/", headers: [("If-None-Match", "W/\"v1\", \"v2\"")]).text == "\"v1\", \"v2\"")
    }

    @Test func `a stretch of a file is sent`() throws {
        let file = try TemporaryFile((0..<100_000).map { UInt8($0 % 251) })
        let fixture = try ServerFixture { _ in
            WebResponse(status: 206, body: .file(path: file.path, offset: 1000, length: 50_000))
        }
        let response = try fixture.get("/")
        #expect(response.status == 206)
        #expect(response.body == Array(file.bytes[1000..<51_000]))
    }

    @Test(arguments: [("/missing", 0, 10), ("", 99_990, 20)] as [(String, UInt64, UInt64)])
    func `a file that cannot be sent becomes a 500 problem`(suffix: String, offset: UInt64, length: UInt64) throws {
        let file = try TemporaryFile([UInt8](repeating: 1, count: 100_000))
        let fixture = try ServerFixture { _ in
            WebResponse(status: 200, body: .file(path: file.path + suffix, offset: offset, length: length))
        }
        let response = try fixture.get("/")
        #expect(response.status == 500)
        #expect(response.header("Content-Type") == "application/problem+json")
    }

    @Test func `a header field with a line break never reaches the wire`() throws {
        let fixture = try ServerFixture { _ in WebResponse(status: 200, headers: [("X", "a\r\nSet-Cookie: b")]) }
        let response = try fixture.get("/")
        #expect(response.status == 500)
        #expect(response.header("Set-Cookie") == nil)
    }

    @Test func `a stream is sent chunk by chunk to its end`() throws {
        let fixture = try ServerFixture { _ in
            let next = Mutex(0)
            return WebResponse(
                status: 200,
                body: .stream {
                    let index = next.withLock { next in
                        next += 1
                        return next
                    }
                    // An empty chunk is not the end.
                    return index > 100 ? nil : index.isMultiple(of: 10) ? [] : Array("\(index),".utf8)
                })
        }
        let expected = (1...100).filter { !$0.isMultiple(of: 10) }.map { "\($0)," }.joined()
        #expect(try fixture.get("/").text == expected)
    }

    @Test func `an upload is handed on piece by piece`() throws {
        let total = Mutex(UInt64(0))
        let size = 10 * 1024 * 1024
        let file = try TemporaryFile((0..<size).map { UInt8(truncatingIfNeeded: $0) })
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in
                    .streamed(limitBytes: UInt64(size)) { piece in
                        let sum = piece.reduce(UInt64(0)) { $0 + UInt64($1) }
                        total.withLock { $0 += sum }
                    }
                },
                answer: { request, respond in
                    respond(.text("\(request.body.count) \(total.withLock { $0 })"))
                }))
        let response = try fixture.client.send(
            CurlRequest(
                method: "PUT", url: fixture.url("/"), body: .file(path: file.path, offset: 0, length: UInt64(size))))
        #expect(response.text == "0 \(file.bytes.reduce(UInt64(0)) { $0 + UInt64($1) })")
    }

    @Test func `an upload whose receiver fails is answered by the handler`() throws {
        struct DiskFull: Error {}
        let pieces = Mutex(0)
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in
                    .streamed(limitBytes: 1 << 20) { _ in
                        pieces.withLock { $0 += 1 }
                        throw DiskFull()
                    }
                },
                answer: { _, respond in respond(.text("full", status: 507)) }))
        let body = [UInt8](repeating: 7, count: 100_000)
        let response = try fixture.client.send(
            CurlRequest(method: "PUT", url: fixture.url("/"), body: .bytes(body)))
        #expect(response.status == 507)
        #expect(pieces.withLock { $0 } == 1)
    }

    @Test(arguments: [2000, 300_000])
    func `a body longer than its plan is refused and counted`(size: Int) throws {
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in .buffered(limitBytes: 1000) }, answer: { _, respond in respond(.text("taken")) }))
        let response = try fixture.client.send(
            CurlRequest(
                method: "POST", url: fixture.url("/"), headers: [("Expect", size > 100_000 ? "100-continue" : "")],
                body: .bytes([UInt8](repeating: 65, count: size))))
        #expect(response.status == 413)
        #expect(response.header("Content-Type") == "application/problem+json")
        #expect(response.text.contains("1000 bytes"))
        #expect(fixture.observer.rejected == [.bodyTooLarge])
    }

    @Test func `a chunked body longer than its plan is refused and counted`() throws {
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in .buffered(limitBytes: 1000) }, answer: { _, respond in respond(.text("taken")) }))
        let connection = try fixture.connect()
        connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<3 {
            connection.send("200\r\n" + String(repeating: "a", count: 512) + "\r\n")
        }
        connection.send("0\r\n\r\n")
        #expect(connection.read(until: "}").hasPrefix("HTTP/1.1 413 "))
        #expect(fixture.observer.rejected == [.bodyTooLarge])
    }

    @Test func `a refused request keeps its connection when the body is short`() throws {
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in .refused(.text("no", status: 403)) }, answer: { _, respond in respond(.text("taken")) }))
        let connection = try fixture.connect()
        for _ in 0..<3 {
            connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(connection.read(until: "no").hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test func `a client that waits for 100 Continue gets it`() throws {
        let fixture = try ServerFixture { request in .text("\(request.body.count)") }
        let connection = try fixture.connect()
        connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(connection.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
        connection.send("abc")
        #expect(connection.read(until: "\r\n\r\n3").hasPrefix("HTTP/1.1 200 "))
    }

    @Test(arguments: [
        "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    ])
    func `a malformed request is answered 400, counted, and its connection closed`(request: String) throws {
        let fixture = try ServerFixture { _ in .text("taken") }
        let connection = try fixture.connect()
        connection.send(request)
        #expect(connection.readToEnd().hasPrefix("HTTP/1.1 400 "))
        #expect(eventually { fixture.observer.rejected == [.malformed] })
    }

    @Test func `what is no request line at all is counted and its connection closed`() throws {
        let fixture = try ServerFixture { _ in .text("taken") }
        let connection = try fixture.connect()
        connection.send("garbage\r\n\r\n")
        #expect(connection.readToEnd() == "")
        #expect(eventually { fixture.observer.rejected == [.malformed] })
    }

    @Test func `who hangs up at once after what is no request line is counted each time, who sends nothing is not`()
        throws
    {
        let fixture = try ServerFixture { _ in .text("taken") }
        for _ in 1...50 { try fixture.connect().send("garbage\r\n\r\n") }
        for _ in 1...20 { _ = try fixture.connect() }
        #expect(eventually { fixture.observer.rejected.count >= 50 && fixture.server.openConnectionCount == 0 })
        #expect(fixture.observer.rejected == Array(repeating: .malformed, count: 50))
    }

    @Test func `who hangs up between requests is not counted`() throws {
        let fixture = try ServerFixture { _ in .text("taken") }
        for _ in 1...20 {
            let connection = try fixture.connect()
            connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(connection.read(until: "\r\n\r\ntaken").hasPrefix("HTTP/1.1 200 "))
        }
        #expect(eventually { fixture.server.openConnectionCount == 0 })
        #expect(fixture.observer.rejected == [])
    }

    @Test func `a target longer than the limit is answered 414 and counted`() throws {
        let fixture = try ServerFixture(configure: { $0.targetLimitBytes = 100 }) { _ in .text("taken") }
        #expect(try fixture.get("/" + String(repeating: "a", count: 99)).status == 200)
        #expect(try fixture.get("/" + String(repeating: "a", count: 100)).status == 414)
        #expect(fixture.observer.rejected == [.uriTooLong])
    }

    @Test func `header fields of six kibibytes fit, larger ones are refused and counted`() throws {
        let fixture = try ServerFixture { request in .text("\(request.header("X-Token")?.count ?? 0)") }
        #expect(try fixture.get("/", headers: [("X-Token", String(repeating: "a", count: 6000))]).text == "6000")
        #expect(try fixture.get("/", headers: [("X-Token", String(repeating: "a", count: 9000))]).status == 431)
        #expect(eventually { fixture.observer.rejected == [.headersTooLarge] })
    }

    @Test func `connections beyond the limit are closed and counted`() throws {
        let fixture = try ServerFixture(configure: { $0.connectionLimit = 2 }) { _ in .text("ok") }
        let first = try fixture.connect()
        let second = try fixture.connect()
        #expect(eventually { fixture.server.openConnectionCount == 2 })
        let third = try fixture.connect()
        third.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(third.readToEnd() == "")
        #expect(fixture.observer.rejected == [.tooManyConnections])
        withExtendedLifetime((first, second)) {}
    }

    @Test func `connections from one address beyond its limit are closed and counted`() throws {
        let fixture = try ServerFixture(configure: { $0.connectionLimitPerAddress = 1 }) { _ in .text("ok") }
        let first = try fixture.connect()
        #expect(eventually { fixture.server.openConnectionCount == 1 })
        let second = try fixture.connect()
        second.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(second.readToEnd() == "")
        #expect(fixture.observer.rejected == [.tooManyConnections])
        withExtendedLifetime(first) {}
    }
}
