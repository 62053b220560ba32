import Fleet
import Orchestration
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

@Suite struct LongPollTests {
    private let api = TestAPI()
    private let answer = Answer()

    /// Sends a request that may be held; its answer arrives in `answer`.
    private func hold(_ path: String, as who: String, tag: String?, prefer: String? = "wait=50") {
        var headers: [String: String] = [:]
        headers["if-none-match"] = tag
        headers["prefer"] = prefer
        api.api.handle(TestAPI.request("GET", path, as: who, headers: headers)) { [answer] in answer.take($0) }
    }

    private func only() throws -> WebResponse {
        try #require(answer.all.count == 1)
        return answer.all[0]
    }

    // MARK: - Assignments

    private let assignment = "/v1/devices/dev1/assignment"

    @Test("a device that knows its newest assignment waits, and is told as soon as there is a newer one")
    func assignmentWoken() throws {
        hold(assignment, as: "edt_dev1", tag: "\"7\"")
        #expect(answer.all.isEmpty)
        #expect(api.fleet.calls == ["wait dev1 above 7 for 50.0"])
        #expect(api.observer.heard.withLock { $0.finished.isEmpty }, "a held request is not counted before its end")
        api.fleet.set { $0.assignmentNumber = 8 }
        api.fleet.wakeAll()
        let reply = try only()
        #expect(reply.status == 200)
        #expect(reply.header("ETag") == "\"8\"")
        #expect(reply.header("Preference-Applied") == "wait=50")
        #expect(try reply.decoded(AssignmentSet.self).number == 8)
        #expect(api.observer.heard.withLock { $0.finished.count } == 1)
    }

    @Test("a wait that ends without news is answered 304")
    func assignmentExpired() throws {
        hold(assignment, as: "edt_dev1", tag: "\"7\"")
        api.fleet.wakeAll()
        let reply = try only()
        #expect(reply.status == 304)
        #expect(reply.header("ETag") == "\"7\"")
        #expect(reply.header("Preference-Applied") == "wait=50")
    }

    @Test(
        "without a wish to wait, or anything known, the answer comes at once",
        arguments: [
            (nil, nil, 200), ("\"7\"", nil, 304), ("\"6\"", nil, 200), (nil, "wait=50", 200), ("\"7\"", "wait=0", 304),
        ] as [(String?, String?, Int)])
    func assignmentAtOnce(tag: String?, prefer: String?, status: Int) throws {
        hold(assignment, as: "edt_dev1", tag: tag, prefer: prefer)
        #expect(try only().status == status)
        #expect(api.fleet.calls == ["assignments dev1"])
    }

    @Test("a wait that ends while no worker is free is answered all the same")
    func wokenWithoutWorkers() throws {
        hold(assignment, as: "edt_dev1", tag: "\"7\"")
        api.gate.close()
        api.fleet.wakeAll()
        #expect(try only().status == 304)
    }

    @Test("a wait that ends when the store is away is answered 503")
    func wokenIntoFailure() throws {
        hold(assignment, as: "edt_dev1", tag: "\"7\"")
        api.fleet.set { $0.failure = FakeFleet.DatabaseAway() }
        api.fleet.wakeAll()
        #expect(try only().status == 503)
    }

    // MARK: - Rollouts

    private let rollout = "/v1/rollouts/digits-1"

    @Test("who knows a rollout's newest revision waits, and is told as soon as it changes")
    func rolloutWoken() throws {
        hold(rollout, as: "eok_viewer", tag: "\"3\"", prefer: "wait=20")
        #expect(answer.all.isEmpty)
        #expect(api.fleet.calls.last == "wait digits-1 other than 3 for 20.0")
        api.fleet.set { $0.revision = 4 }
        api.fleet.wakeAll()
        let reply = try only()
        #expect(reply.status == 200)
        #expect(reply.header("ETag") == "\"4\"")
        #expect(reply.header("Preference-Applied") == "wait=20")
    }

    @Test("a rollout that does not change in time is answered 304")
    func rolloutExpired() throws {
        hold(rollout, as: "eok_viewer", tag: "\"3\"")
        api.fleet.wakeAll()
        #expect(try only().status == 304)
    }

    @Test(
        "a rollout that is not known, or is known in an older revision, is told at once",
        arguments: [(nil, "wait=50", 200), ("\"2\"", "wait=50", 200), ("\"3\"", nil, 304)] as [(String?, String?, Int)])
    func rolloutAtOnce(tag: String?, prefer: String?, status: Int) throws {
        hold(rollout, as: "eok_viewer", tag: tag, prefer: prefer)
        let reply = try only()
        #expect(reply.status == status)
        #expect(reply.header("ETag") == "\"3\"")
    }

    @Test("a rollout that does not exist is not waited for")
    func unknownRollout() throws {
        hold("/v1/rollouts/nothing", as: "eok_viewer", tag: "\"3\"")
        #expect(try only().status == 404)
    }

    // MARK: - The wish

    @Test(
        "the wish is read as RFC 7240 writes it, and granted up to a minute",
        arguments: [
            ("wait=50", 50), ("wait=1", 1), ("wait=600", 60), ("Wait=5", 5), ("wait=\"5\"", 5), (" wait = 5 ", 5),
            ("respond-async, wait=5", 5), ("respond-async; wait=5", 5), ("wait=x, wait=7", 7),
        ])
    func wish(field: String, seconds: Int) {
        let request = WebRequest(method: "GET", path: "/", headers: ["prefer": field])
        #expect(LongPoll(request)?.seconds == seconds)
    }

    @Test(
        "a wish that cannot be read is none",
        arguments: ["", "wait", "wait=", "wait=-5", "wait=0", "wait=1.5", "await=5", "return=minimal"])
    func noWish(field: String) {
        let request = WebRequest(method: "GET", path: "/", headers: ["prefer": field])
        #expect(LongPoll(request) == nil)
    }
}
