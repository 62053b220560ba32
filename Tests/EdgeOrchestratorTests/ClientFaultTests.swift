import Fleet
import MicroHTTPServer
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import EdgeOrchestrator

/// What the operators' client does when the controller or the network is wrong, over a real socket.
@Suite struct ClientFaultTests {
    /// A controller on paper: gives the planned answers in turn, the last one for good, and keeps what it was sent.
    private final class Faulty: WebHandler {
        struct State {
            var plan: [WebResponse]
            var requests: [WebRequest] = []
            var times: [ContinuousClock.Instant] = []
        }

        let state: Mutex<State>

        init(_ plan: [WebResponse]) { state = Mutex(State(plan: plan)) }

        var requests: [WebRequest] { state.withLock { $0.requests } }

        func plan(_ request: WebRequest) -> WebBodyPlan { .buffered(limitBytes: 1 << 20) }

        func handle(_ request: WebRequest, respond: @escaping @Sendable (WebResponse) -> Void) {
            let answer = state.withLock { state in
                state.requests.append(request)
                state.times.append(.now)
                return state.plan.count > 1 ? state.plan.removeFirst() : state.plan[0]
            }
            respond(answer)
        }
    }

    private static let policies = WebResponse(status: 200, body: .bytes(Array(#"{"items": []}"#.utf8)))

    private static func problem(_ status: Int, _ code: String, retryAfter: String? = nil) -> WebResponse {
        let text = """
            {"type": "urn:edgeorch:problem:\(code)", "title": "T", "status": \(status), "detail": "what happened",
             "faults": [{"field": "model", "remedy": "push it first"}]}
            """
        var headers = [(name: "Content-Type", value: "application/problem+json")]
        if let retryAfter { headers.append((name: "Retry-After", value: retryAfter)) }
        return WebResponse(status: status, headers: headers, body: .bytes(Array(text.utf8)))
    }

    /// Runs a client against planned answers.
    private func against(
        _ plan: [WebResponse], retries: RetryPolicy = RetryPolicy(attempts: 4, firstPauseSeconds: 0.01),
        _ body: (Orchestrator) throws -> Void
    ) throws -> Faulty {
        let handler = Faulty(plan)
        let server = MicroHTTPServer(configuration: .init(), handler: handler)
        try server.start()
        defer { server.stop() }
        try body(try Orchestrator(serverURL: "http://127.0.0.1:\(server.port)", apiKey: "eok_sesame", retries: retries))
        return handler
    }

    @Test("a busy controller is asked again after the pause that it names")
    func retryAfter() throws {
        let handler = try against([Self.problem(503, "overloaded", retryAfter: "1"), Self.policies]) { client in
            let policies = try client.policies()
            #expect(policies.isEmpty)
        }
        let times = handler.state.withLock { $0.times }
        try #require(times.count == 2)
        #expect(times[1] - times[0] >= .seconds(1))
    }

    @Test("a pause beyond the limit is not waited for, and the error tells it")
    func tooLong() throws {
        let handler = try against([Self.problem(503, "overloaded", retryAfter: "3600")]) { client in
            let error = #expect(throws: OrchestratorError.self) { try client.policies() }
            #expect(error?.problem?.retryAfterSeconds == 3600)
        }
        #expect(handler.requests.count == 1)
    }

    @Test("a wrong key is refused once, with the problem's detail, and shown nowhere")
    func wrongKey() throws {
        let handler = try against([Self.problem(401, "credential_unknown")]) { client in
            let error = #expect(throws: OrchestratorError.self) { try client.policies() }
            #expect(error?.problem?.code == "credential_unknown" && error?.problem?.faults.first?.field == "model")
            #expect(error.map { "\($0)" } == "what happened (model: push it first)")
            #expect(error.map { String(reflecting: $0).contains("sesame") } == false)
        }
        #expect(handler.requests.map { $0.header("authorization") } == ["Bearer eok_sesame"])
    }

    @Test("a command keeps its key over all tries, so that it is carried out once")
    func command() throws {
        let device = DeviceResource(
            id: try DeviceID("device_001"), labels: Labels(), state: .online, enrolledAt: Timestamp(milliseconds: 0))
        let done = WebResponse(status: 200, body: .bytes(try WireJSON.encode(device)))
        let plan = [Self.problem(503, "unavailable"), Self.problem(409, "idempotency_key_busy"), done]
        let handler = try against(plan) { client in
            let told = try client.rollBack(
                device.id, model: try ModelName("detector"), to: try VersionName("v1"), reason: "it overheats")
            #expect(told.id == device.id)
        }
        let keys = Set(handler.requests.map { $0.header("idempotency-key") })
        #expect(handler.requests.count == 3 && keys.count == 1 && !keys.contains(nil))
    }

    @Test("what would make a second token is sent once")
    func once() throws {
        let handler = try against([Self.problem(503, "unavailable")]) { client in
            #expect(throws: OrchestratorError.self) {
                try client.createToken(EnrolmentTokenRequest(uses: 1, labels: Labels()))
            }
        }
        #expect(handler.requests.count == 1)
    }
}
