import Foundation
import MicroHTTPServer
import Testing
import WebMessages

@Suite struct MicroHTTPServerDeadlineTests {
    private static func fixture(_ change: (inout ConnectionDeadlines) -> Void) throws -> ServerFixture {
        try ServerFixture(configure: { change(&$0.deadlines) }) { request in .text("\(request.body.count)") }
    }

    @Test func `header fields that trickle in are cut off and counted`() throws {
        let fixture = try Self.fixture { $0.headersSeconds = 0.4 }
        let connection = try fixture.connect()
        let start = ContinuousClock.now
        connection.send("GET / HTTP/1.1\r\n")
        while ContinuousClock.now - start < .seconds(3), fixture.observer.rejected.isEmpty {
            connection.send("X: y\r\n")
            Thread.sleep(forTimeInterval: 0.05)
        }
        #expect(connection.readToEnd() == "")
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(eventually { fixture.server.openConnectionCount == 0 })
        #expect(eventually { fixture.observer.rejected == [.headersTimeout] })
    }

    @Test func `a connection that sends nothing is cut off and counted`() throws {
        let fixture = try Self.fixture { $0.headersSeconds = 0.2 }
        #expect(try fixture.connect().readToEnd() == "")
        #expect(eventually { fixture.observer.rejected == [.headersTimeout] })
    }

    @Test func `a second request that trickles in is cut off, an idle connection is not`() throws {
        let fixture = try Self.fixture { $0.headersSeconds = 0.3 }
        let idle = try fixture.connect()
        let slow = try fixture.connect()
        for connection in [idle, slow] {
            connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(connection.read(until: "\r\n\r\n0").hasPrefix("HTTP/1.1 200 "))
        }
        Thread.sleep(forTimeInterval: 0.1)
        let start = ContinuousClock.now
        slow.send("G")
        #expect(slow.readToEnd() == "")
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(eventually { fixture.server.openConnectionCount == 1 })
        #expect(eventually { fixture.observer.rejected == [.headersTimeout] })
        idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(idle.read(until: "\r\n\r\n0").hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `a body slower than the minimum rate is cut off and counted`() throws {
        let fixture = try Self.fixture { deadlines in
            deadlines.bodyGraceSeconds = 0.3
            deadlines.minimumBytesPerSecond = 10_000
        }
        let connection = try fixture.connect()
        let start = ContinuousClock.now
        connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        while ContinuousClock.now - start < .seconds(3), fixture.observer.rejected.isEmpty {
            connection.send("x")
            Thread.sleep(forTimeInterval: 0.05)
        }
        #expect(connection.readToEnd() == "")
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(eventually { fixture.observer.rejected == [.bodyTooSlow] })
    }

    @Test func `a body above the minimum rate may take longer than the grace`() throws {
        let fixture = try Self.fixture { deadlines in
            deadlines.bodyGraceSeconds = 0.3
            deadlines.minimumBytesPerSecond = 1000
        }
        let connection = try fixture.connect()
        connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n")
        for _ in 0..<8 {
            connection.send(String(repeating: "x", count: 500))
            Thread.sleep(forTimeInterval: 0.1)
        }
        #expect(connection.read(until: "4000").hasPrefix("HTTP/1.1 200 "))
        #expect(fixture.observer.rejected == [])
    }

    @Test func `an idle connection is closed without being counted`() throws {
        let fixture = try Self.fixture { $0.idleSeconds = 1 }
        let connection = try fixture.connect()
        connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(connection.readToEnd().hasPrefix("HTTP/1.1 200 "))
        #expect(fixture.observer.rejected == [])
    }
}
