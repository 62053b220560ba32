import CurlClient
import Dispatch
import Foundation
import Synchronization
import Testing
import WebMessages

@testable import MicroHTTPServer

@Suite struct MicroHTTPServerHeldRequestTests {
    private static func fixture(
        _ held: HeldAnswers, configure: (inout MicroHTTPServer.Configuration) -> Void = { _ in }
    ) throws -> ServerFixture {
        try ServerFixture(ClosureHandler { _, respond in held.hold(respond) }, configure: configure)
    }

    private static func poll(_ fixture: ServerFixture) throws -> RawConnection {
        let connection = try fixture.connect()
        connection.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection
    }

    @Test func `an answer given later from another thread arrives`() throws {
        let fixture = try ServerFixture(
            ClosureHandler { _, respond in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(200)) { respond(.text("later")) }
            })
        let start = ContinuousClock.now
        #expect(try fixture.get("/").text == "later")
        #expect(ContinuousClock.now - start >= .milliseconds(190))
        #expect(eventually { fixture.observer.finished.first?.durationSeconds ?? 0 > 0.19 })
    }

    @Test func `two hundred held requests are released at once`() throws {
        let held = HeldAnswers()
        let fixture = try Self.fixture(held)
        let connections = try (0..<200).map { _ in try Self.poll(fixture) }
        #expect(eventually { fixture.server.heldRequestCount == 200 })
        let start = ContinuousClock.now
        held.answerAll("go")
        for connection in connections {
            #expect(connection.read(until: "go").hasPrefix("HTTP/1.1 200 "))
        }
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(fixture.server.heldRequestCount == 0)
    }

    @Test func `an answer after the client is gone does no harm and leaves nothing behind`() throws {
        let held = HeldAnswers()
        let fixture = try Self.fixture(held)
        weak var exchange: Exchange?
        do {
            let connection = try Self.poll(fixture)
            #expect(eventually { fixture.server.heldRequestCount == 1 })
            exchange = fixture.server.core.connections.snapshot().first?.exchange
            #expect(exchange != nil)
            withExtendedLifetime(connection) {}
        }
        held.answerAll("too late")
        #expect(eventually { fixture.server.openConnectionCount == 0 })
        #expect(eventually { exchange == nil })
        #expect(fixture.server.heldRequestCount == 0)
    }

    @Test func `a second answer is dropped`() throws {
        let fixture = try ServerFixture(
            ClosureHandler { _, respond in
                respond(.text("first"))
                respond(.text("second"))
                DispatchQueue.global().async { respond(.text("third")) }
            })
        for _ in 0..<20 {
            #expect(try fixture.get("/").text == "first")
        }
    }

    @Test func `a request held too long is answered 503 and counted`() throws {
        let fixture = try Self.fixture(HeldAnswers()) { $0.deadlines.heldSeconds = 0.2 }
        let response = try fixture.get("/")
        #expect(response.status == 503)
        #expect(response.header("Retry-After") == "1")
        #expect(eventually { fixture.observer.rejected == [.heldTooLong] })
    }

    @Test func `stopping answers held requests 503 and takes no longer than it must`() throws {
        let held = HeldAnswers()
        let fixture = try Self.fixture(held)
        let connections = try (0..<50).map { _ in try Self.poll(fixture) }
        #expect(eventually { fixture.server.heldRequestCount == 50 })
        let start = ContinuousClock.now
        #expect(fixture.server.stop(withinSeconds: 5) == 0)
        #expect(ContinuousClock.now - start < .seconds(2))
        for connection in connections {
            let response = connection.readToEnd()
            #expect(response.hasPrefix("HTTP/1.1 503 "))
            #expect(response.contains("Retry-After: 5"))
        }
        #expect(fixture.observer.rejected == Array(repeating: .stopping, count: 50))
        held.answerAll("too late")
    }

    @Test func `stopping cuts off what does not finish within its bound`() throws {
        let fixture = try ServerFixture { _ in .text("taken") }
        let connection = try fixture.connect()
        connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        #expect(eventually { fixture.server.core.connections.snapshot().first?.exchange != nil })
        let start = ContinuousClock.now
        #expect(fixture.server.stop(withinSeconds: 1) == 1)
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(connection.readToEnd() == "")
    }

    @Test func `starting and stopping twice changes nothing, and a stopped server can start again`() throws {
        let fixture = try ServerFixture { _ in .text("ok") }
        let port = fixture.server.port
        try fixture.server.start()
        #expect(fixture.server.port == port)
        fixture.server.stop()
        #expect(fixture.server.stop() == 0)
        #expect(fixture.server.port == 0)
        #expect(throws: CurlError.self) { try fixture.client.send(CurlRequest(url: "http://127.0.0.1:\(port)/")) }
        try fixture.server.start()
        #expect(try fixture.get("/").text == "ok")
    }

    @Test func `a port in use is named in the error`() throws {
        let fixture = try ServerFixture { _ in .text("ok") }
        let port = fixture.server.port
        let second = MicroHTTPServer(
            configuration: .init(port: port), handler: ClosureHandler { _, respond in respond(.text("")) })
        #expect(throws: MicroHTTPServerError.addressInUse(host: "127.0.0.1", port: port)) { try second.start() }
    }

    @Test func `an unknown host and an impossible port are refused`() {
        func start(_ host: String, _ port: Int) throws {
            let handler = ClosureHandler { _, respond in respond(.text("")) }
            try MicroHTTPServer(configuration: .init(host: host, port: port), handler: handler).start()
        }
        #expect(throws: MicroHTTPServerError.invalidPort(70_000)) { try start("127.0.0.1", 70_000) }
        #expect(throws: MicroHTTPServerError.unknownHost(host: "192.0.2.1", text: "not an address of this machine")) {
            try start("192.0.2.1", 0)
        }
    }
}
