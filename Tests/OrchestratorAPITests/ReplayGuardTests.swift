import Fleet
import Orchestration
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// `Idempotency-Key`: a repeated request is carried out once.
@Suite struct ReplayGuardTests {
    private let api = TestAPI()
    private static let halt = #"{"command": "halt", "reason": "look"}"#

    private func command(
        _ json: String = halt, key: String? = "k1", as who: String = "eok_operator", rollout: String = "digits-1"
    ) throws -> WebResponse {
        var headers: [String: String] = [:]
        headers["idempotency-key"] = key
        return try api.send("POST", "/v1/rollouts/\(rollout)/commands", as: who, json: json, headers: headers)
    }

    @Test("the same request with the same key is carried out once and answered twice, alike")
    func replayed() throws {
        let first = try command()
        let second = try command()
        #expect(first.status == 200)
        #expect(second.status == 200)
        #expect(second.text == first.text)
        #expect(first.header("Idempotency-Replayed") == nil)
        #expect(second.header("Idempotency-Replayed") == "true")
        #expect(api.fleet.calls.count == 1)
    }

    @Test("another request with the same key is refused")
    func reused() throws {
        _ = try command()
        for reply in [
            try command(#"{"command": "halt", "reason": "other"}"#), try command(rollout: "digits-2"),
        ] {
            #expect(reply.status == 422)
            let problem = try reply.problem()
            #expect(problem.code == "idempotency_key_reused")
            #expect(problem.faults.map(\.field) == ["Idempotency-Key"])
        }
        #expect(api.fleet.calls.count == 1)
    }

    @Test("keys of different people never meet, and without a key each request is carried out")
    func owners() throws {
        _ = try command()
        _ = try command(as: "eok_admin")
        _ = try command(key: nil)
        _ = try command(key: nil)
        #expect(api.fleet.calls.count == 4)
    }

    @Test("a request that was refused may be mended and sent again under its key")
    func refusedIsNotKept() throws {
        #expect(try command("{}").status == 422)
        api.fleet.set { $0.failure = Problem(code: "c", title: "t", status: 409, detail: "d") }
        #expect(try command().status == 409)
        api.fleet.set { $0.failure = nil }
        #expect(try command().status == 200)
    }

    @Test("a repetition that arrives while the first is carried out is told to come again")
    func busy() throws {
        let meanwhile = Answer()
        let request = TestAPI.request(
            "POST", "/v1/rollouts/digits-1/commands", as: "eok_operator", json: Self.halt,
            headers: ["idempotency-key": "k1"])
        let handler = api.api
        api.fleet.set { $0.meanwhile = { handler.handle(request) { meanwhile.take($0) } } }
        #expect(try command().status == 200)
        let reply = try #require(meanwhile.all.first)
        #expect(reply.status == 409)
        #expect(reply.header("Retry-After") == "1")
        #expect(try reply.problem().code == "idempotency_key_busy")
        #expect(try command().header("Idempotency-Replayed") == "true")
    }

    @Test("a reply that cannot be kept is given all the same, and the failure is told")
    func keepFails() throws {
        api.fleet.set { $0.keepFails = true }
        #expect(try command().status == 200)
        #expect(api.observer.heard.withLock { $0.failed } == ["/v1/rollouts/{rollout}/commands"])
    }

    @Test(
        "a key that is no short printable text is refused",
        arguments: ["", "a b", "ключ", "a\tb", String(repeating: "k", count: 201)])
    func badKey(key: String) throws {
        let reply = try command(key: key)
        #expect(reply.status == 400)
        #expect(try reply.problem().faults.map(\.field) == ["Idempotency-Key"])
        #expect(api.fleet.calls.isEmpty)
        #expect(try command(key: String(repeating: "k", count: 200)).status == 200)
    }

    @Test(
        "a route that changes something keeps its replies; one whose reply is a secret refuses a key",
        arguments: SampleRequests.withJSON)
    func byRoute(row: SampleRequests.Row) throws {
        let headers = ["idempotency-key": "k1"]
        let replies = try (1...2).map { _ in
            try api.send(row.route.method, row.path, as: row.caller, json: row.json, headers: headers)
        }
        switch row.route.replay {
        case .kept:
            #expect(replies[1].header("Idempotency-Replayed") == "true")
            #expect(replies[1].status == replies[0].status)
        case .refused:
            #expect(replies.map(\.status) == [400, 400])
            #expect(try replies[0].problem().detail.contains("secret"))
            #expect(api.fleet.calls.isEmpty)
        case .ignored:
            #expect(replies.allSatisfy { (200..<300).contains($0.status) })
            #expect(replies[1].header("Idempotency-Replayed") == nil)
        }
    }
}
