import Fleet
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

@Suite struct CallLimiterTests {
    private let bounds = CallLimiter.Bounds(perSecond: 10)
    private let start = Timestamp(milliseconds: 1_000_000)

    private func taken(_ limiter: CallLimiter, _ credential: String, _ count: Int, at now: Timestamp) -> Int {
        (0..<count).count { _ in limiter.take(credential, at: now) == nil }
    }

    @Test func `a credential may call as often as its rate, twice that at once, and is told when again`() {
        let limiter = CallLimiter(bounds)
        #expect(taken(limiter, "a", 100, at: start) == 20)
        #expect(limiter.take("a", at: start) == 0.1)
        #expect(taken(limiter, "a", 100, at: start.adding(seconds: 1)) == 10)
        #expect(taken(limiter, "a", 100, at: start.adding(seconds: 1000)) == 20, "a pause saves no more than that")
    }

    @Test func `others do not feel it`() {
        let limiter = CallLimiter(bounds)
        _ = taken(limiter, "a", 100, at: start)
        #expect(taken(limiter, "b", 5, at: start) == 5)
    }

    @Test func `a clock that goes back gives nothing and takes nothing`() {
        let limiter = CallLimiter(bounds)
        #expect(taken(limiter, "a", 15, at: start) == 15)
        #expect(taken(limiter, "a", 100, at: start.adding(seconds: -500)) == 5)
        #expect(taken(limiter, "a", 100, at: start.adding(seconds: -499)) == 10)
    }

    @Test func `credentials without end do not fill the memory, and one that calls too often is not forgotten`() {
        let limiter = CallLimiter(bounds)
        for number in 0..<CallLimiter.limit - 1 { _ = limiter.take("k\(number)", at: start) }
        let later = start.adding(seconds: 60)
        _ = taken(limiter, "wild", 100, at: later)
        #expect(limiter.take("one more", at: later) == nil)
        #expect(limiter.take("wild", at: later) != nil)
    }

    @Test func `an operator gets 429 with Retry-After, counted; a device and an open route are served`() throws {
        let api = TestAPI(callsPerSecond: 1)
        #expect(try (0..<2).map { _ in try api.send("GET", "/v1/whoami").status } == [200, 200])
        let refused = try api.send("GET", "/v1/whoami")
        #expect(refused.status == 429 && refused.header("Retry-After") == "1")
        #expect(try refused.problem().code == "too_many_calls")
        #expect(api.observer.heard.withLock { $0.limited } == 1)
        #expect(try api.send("GET", "/v1/whoami", as: "eok_viewer").status == 200)
        for _ in 0..<5 {
            #expect(try api.send("GET", "/v1/devices/dev1/assignment", as: "edt_dev1").status == 200)
            #expect(try api.send("GET", "/healthz", as: nil).status == 200)
        }
    }
}
