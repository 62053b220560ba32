import Testing

@testable import MicroHTTPServer

@Suite struct ConnectionDeadlinesTests {
    private let start = ContinuousClock.now
    private let deadlines = ConnectionDeadlines()

    @Test(arguments: [(9.9, nil), (10.1, .headers)] as [(Double, Overdue?)])
    func `header fields are due ten seconds after their start`(seconds: Double, expected: Overdue?) {
        #expect(deadlines.overdue(.receivingHeaders(since: start), now: start + .seconds(seconds)) == expected)
    }

    @Test(
        arguments: [
            (0, 9.9, nil), (0, 10.1, .body), (10_240, 19.9, nil), (10_240, 20.1, .body), (1 << 30, 3600, nil),
        ] as [(UInt64, Double, Overdue?)])
    func `a body earns a second per kibibyte`(received: UInt64, seconds: Double, expected: Overdue?) {
        let phase = ConnectionPhase.receivingBody(since: start, received: received)
        #expect(deadlines.overdue(phase, now: start + .seconds(seconds)) == expected)
    }

    @Test(arguments: [(89.9, nil), (90.1, .held)] as [(Double, Overdue?)])
    func `a held request is due after ninety seconds`(seconds: Double, expected: Overdue?) {
        #expect(deadlines.overdue(.held(since: start), now: start + .seconds(seconds)) == expected)
    }

    @Test(arguments: [ConnectionPhase.answering, .cutOff])
    func `what the library watches over is never due`(phase: ConnectionPhase) {
        #expect(deadlines.overdue(phase, now: start + .seconds(1e6)) == nil)
    }

    @Test func `the watchdog looks often enough for the shortest deadline`() {
        var short = ConnectionDeadlines()
        #expect(short.watchIntervalSeconds == 0.5)
        short.headersSeconds = 0.4
        #expect(abs(short.watchIntervalSeconds - 0.1) < 1e-9)
        short.heldSeconds = 0
        #expect(short.watchIntervalSeconds == 0.01)
    }
}
