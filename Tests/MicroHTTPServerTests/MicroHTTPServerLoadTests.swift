import CurlClient
import Dispatch
import Foundation
import MicroHTTPServer
import Synchronization
import Testing
import WebMessages

/// Threads that use one server and one client at once, long enough for a race to show.
@Suite struct MicroHTTPServerLoadTests {
    private static let handler = ClosureHandler(
        plan: { request in
            request.path == "/refused" ? .refused(.text("refused", status: 403)) : .buffered(limitBytes: 1 << 20)
        },
        answer: { request, respond in
            switch request.path {
            case "/other-thread":
                // Answers while the server's thread is about to suspend the connection: the race proper.
                DispatchQueue.global().async { respond(.text("other")) }
            case "/later":
                DispatchQueue.global().asyncAfter(deadline: .now() + .microseconds(300)) { respond(.text("later")) }
            case "/echo":
                respond(WebResponse(status: 200, body: .bytes(request.body)))
            case "/stream":
                let left = Mutex(20)
                respond(
                    WebResponse(
                        status: 200,
                        body: .stream {
                            left.withLock { left in
                                left -= 1
                                return left < 0 ? nil : Array("chunk".utf8)
                            }
                        }))
            default:
                respond(.text("at once"))
            }
        })

    /// Whether the answer to this round's request is the right one, or the 503 of a server that stops.
    private static func check(_ round: Int, _ fixture: ServerFixture) throws -> Bool {
        var request = CurlRequest(url: fixture.url(["/now", "/other-thread", "/later", "/stream", "/echo"][round % 5]))
        var expected: [UInt8]
        switch round % 5 {
        case 0: expected = Array("at once".utf8)
        case 1: expected = Array("other".utf8)
        case 2: expected = Array("later".utf8)
        case 3: expected = Array(String(repeating: "chunk", count: 20).utf8)
        default:
            expected = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: round % 9000)
            request.method = "POST"
            request.body = .bytes(expected)
        }
        let response = try fixture.client.send(request)
        return response.body == expected || response.status == 503
    }

    @Test func `four threads get the right answers, a hundred each`() throws {
        let fixture = try ServerFixture(Self.handler)
        let wrong = Atomic(0)
        let done = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in thread..<(thread + 100) {
                if (try? Self.check(round, fixture)) != true {
                    wrong.add(1, ordering: .relaxed)
                }
                done.add(1, ordering: .relaxed)
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(fixture.observer.rejected == [])
        #expect(eventually { fixture.observer.finished.count == done.load(ordering: .relaxed) })
        #expect(fixture.server.stop(withinSeconds: 5) == 0)
    }

    @Test func `stopping under load loses no answer that was begun, again and again`() throws {
        for _ in 0..<5 {
            let fixture = try ServerFixture(Self.handler)
            let isStopped = Atomic(false)
            let wrong = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                guard thread > 0 else {
                    Thread.sleep(forTimeInterval: 0.2)
                    fixture.server.stop(withinSeconds: 5)
                    isStopped.store(true, ordering: .relaxed)
                    return
                }
                var round = thread
                while !isStopped.load(ordering: .relaxed) {
                    // Refusals and closed connections are what a stop looks like; a wrong body never is.
                    if let isRight = try? Self.check(round, fixture), !isRight {
                        wrong.add(1, ordering: .relaxed)
                    }
                    round += 1
                }
            }
            #expect(wrong.load(ordering: .relaxed) == 0)
            #expect(fixture.server.openConnectionCount == 0)
            #expect(fixture.server.heldRequestCount == 0)
        }
    }
}
