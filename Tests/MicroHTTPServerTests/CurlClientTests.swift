import CurlClient
import Dispatch
import Foundation
import MicroHTTPServer
import Synchronization
import Testing
import WebMessages

@Suite struct CurlClientTests {
    struct Enough: Error {}

    @Test func `a download gives the head first and then the bytes in order`() throws {
        let file = try TemporaryFile((0..<1_000_000).map { UInt8($0 % 253) })
        let fixture = try ServerFixture { _ in
            WebResponse(
                status: 206, headers: [("X-Kind", "range")], body: .file(path: file.path, offset: 5, length: 900_000))
        }
        var events: [String] = []
        var received: [UInt8] = []
        let head = try fixture.client.download(
            CurlRequest(url: fixture.url("/")), onHead: { events.append("head \($0.status)") },
            to: { piece in
                events.append("piece")
                received += piece
            })
        #expect(head.status == 206 && head.headers["x-kind"] == "range")
        #expect(events.first == "head 206" && events.dropFirst().allSatisfy { $0 == "piece" })
        #expect(received == Array(file.bytes[5..<900_005]))
    }

    @Test func `the head of an empty download is given too`() throws {
        let fixture = try ServerFixture { _ in WebResponse(status: 204) }
        var statuses: [Int] = []
        try fixture.client.download(CurlRequest(url: fixture.url("/")), onHead: { statuses.append($0.status) }) { _ in }
        #expect(statuses == [204])
    }

    @Test func `an error thrown by the receiver ends the download and comes out`() throws {
        let fixture = try ServerFixture { _ in .text(String(repeating: "x", count: 1_000_000)) }
        #expect(throws: Enough.self) {
            try fixture.client.download(CurlRequest(url: fixture.url("/"))) { _ in throw Enough() }
        }
        #expect(throws: Enough.self) {
            try fixture.client.download(CurlRequest(url: fixture.url("/")), onHead: { _ in throw Enough() }) { _ in }
        }
    }

    @Test func `a response longer than allowed is refused`() throws {
        let fixture = try ServerFixture { _ in .text(String(repeating: "x", count: 5000)) }
        var request = CurlRequest(url: fixture.url("/"))
        request.maxResponseBytes = 4999
        #expect {
            try fixture.client.send(request)
        } throws: { error in
            guard case .responseTooLarge(_, limitBytes: 4999) = error as? CurlError else { return false }
            return true
        }
        request.maxResponseBytes = 5000
        #expect(try fixture.client.send(request).body.count == 5000)
    }

    @Test func `a long poll ends soon after it is cancelled`() throws {
        let held = HeldAnswers()
        let fixture = try ServerFixture(ClosureHandler { _, respond in held.hold(respond) })
        let cancellation = CurlCancellation()
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100)) { cancellation.cancel() }
        let start = ContinuousClock.now
        #expect {
            try fixture.client.send(CurlRequest(url: fixture.url("/")), cancellation: cancellation)
        } throws: { error in
            guard case .cancelled = error as? CurlError else { return false }
            return true
        }
        // Nobody answers for as long as the test runs; ten seconds leave room for a machine that is busy with others.
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func `a request that takes too long is given up and may be repeated`() throws {
        let held = HeldAnswers()
        let fixture = try ServerFixture(ClosureHandler { _, respond in held.hold(respond) })
        var request = CurlRequest(url: fixture.url("/"))
        request.timeoutSeconds = 0.2
        #expect {
            try fixture.client.send(request)
        } throws: { error in
            guard let error = error as? CurlError, case .transferFailed(_, code: 28, _) = error else { return false }
            return error.isRetryable
        }
    }

    @Test func `an error names the attempt without what may be secret`() throws {
        let fixture = try ServerFixture { _ in .text("") }
        let port = fixture.server.port
        fixture.server.stop()
        #expect {
            try fixture.client.send(CurlRequest(url: "http://user:secret@127.0.0.1:\(port)/v1/x?token=secret#secret"))
        } throws: { error in
            guard let error = error as? CurlError else { return false }
            return error.isRetryable && "\(error)".contains("GET http://127.0.0.1:\(port)/v1/x failed")
                && !"\(error)".contains("secret")
        }
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "not a url", ""])
    func `only http and https are sent`(url: String) {
        #expect {
            try CurlClient().send(CurlRequest(url: url))
        } throws: { error in
            guard let error = error as? CurlError, case .invalidRequest = error else { return false }
            return !error.isRetryable
        }
    }

    @Test func `a header field with a line break is refused`() throws {
        let fixture = try ServerFixture { _ in .text("") }
        #expect {
            try fixture.get("/", headers: [("X", "a\r\nY: b")])
        } throws: { error in
            guard case .invalidRequest = error as? CurlError else { return false }
            return true
        }
    }

    @Test func `repeated header fields are joined and names are lower case`() throws {
        let fixture = try ServerFixture { _ in
            WebResponse(status: 200, headers: [("Link", "a"), ("Link", "b"), ("X-Empty", "")])
        }
        let response = try fixture.get("/")
        #expect(response.headers["link"] == "a, b")
    }

    @Test(arguments: [0, 3, 2_000_000])
    func `bytes are sent as they are and the connection is kept whatever the status`(count: Int) throws {
        let fixture = try ServerFixture(
            ClosureHandler(
                plan: { _ in .buffered(limitBytes: 3_000_000) },
                answer: { request, respond in
                    respond(.text("\(request.header("Content-Type") ?? "none") \(request.body.count)", status: 409))
                }))
        for _ in 0..<3 {
            let response = try fixture.client.send(
                CurlRequest(method: "POST", url: fixture.url("/"), body: .bytes([UInt8](repeating: 9, count: count))))
            #expect(response.status == 409)
            #expect(response.text == "none \(count)")
        }
        #expect(fixture.server.openConnectionCount == 1)
    }

    @Test func `a redirect is followed only when asked for`() throws {
        let fixture = try ServerFixture { request in
            request.path == "/new"
                ? .text("new") : WebResponse(status: 302, headers: [("Location", "/new")], body: .bytes([1]))
        }
        var request = CurlRequest(url: fixture.url("/old"))
        #expect(try fixture.client.send(request).status == 302)
        request.followRedirects = true
        #expect(try fixture.client.send(request).text == "new")
    }

    @Test func `a stretch of a file is uploaded`() throws {
        let file = try TemporaryFile(Array("0123456789".utf8))
        let fixture = try ServerFixture { request in .text(String(decoding: request.body, as: UTF8.self)) }
        let response = try fixture.client.send(
            CurlRequest(method: "PATCH", url: fixture.url("/"), body: .file(path: file.path, offset: 2, length: 5)))
        #expect(response.text == "23456")
    }

    @Test(arguments: ["", "/missing"])
    func `a file that is shorter than announced or missing is named`(suffix: String) throws {
        let file = try TemporaryFile(Array("0123456789".utf8))
        let fixture = try ServerFixture { _ in .text("") }
        let request = CurlRequest(
            method: "PUT", url: fixture.url("/"), body: .file(path: file.path + suffix, offset: 0, length: 20))
        #expect {
            try fixture.client.send(request)
        } throws: { error in
            guard case .fileUnreadable(_, file.path + suffix, _) = error as? CurlError else { return false }
            return true
        }
    }
}
