import Testing

@testable import EdgeOrchestrator

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy(attempts: 4, firstPauseSeconds: 1, longestPauseSeconds: 3, totalSeconds: 20)

    private func pause(_ failures: Int, asked: Double? = nil, elapsed: Double = 0, chance: Double = 1) -> Double? {
        policy.pause(afterFailure: failures, asked: asked, elapsed: elapsed, chance: chance)
    }

    @Test("pauses double up to the longest, spread over their second half")
    func doubling() {
        #expect([1, 2, 3].map { pause($0) } == [1, 2, 3])
        #expect([1, 2, 3].map { pause($0, chance: 0) } == [0.5, 1, 1.5])
    }

    @Test("no try is made beyond the number of tries or the time in all")
    func ends() {
        #expect(pause(4) == nil)
        #expect(pause(1, elapsed: 19) == 1 && pause(1, elapsed: 19.5) == nil)
        #expect(RetryPolicy.none.pause(afterFailure: 1, asked: nil, elapsed: 0, chance: 0) == nil)
    }

    @Test("a pause that is asked for is kept, beyond the longest own one too, and ends the tries where it is too long")
    func asked() {
        #expect(pause(1, asked: 7) == 7)
        #expect(pause(3, asked: 1) == 3)
        #expect(pause(1, asked: 3600) == nil)
    }
}

@Suite struct APICallTests {
    @Test(
        "what reads or says what shall be may be sent twice, what makes something only under a key",
        arguments: [("GET", true), ("PUT", true), ("DELETE", true), ("POST", false), ("PATCH", false)])
    func repeatable(method: String, isRepeatable: Bool) {
        #expect(APICall(method, "x").isRepeatable == isRepeatable)
        #expect(APICall(method, "x").once("k").isRepeatable)
        #expect(APICall(method, "x").once("k").headers.contains { $0.name == "Idempotency-Key" && $0.value == "k" })
    }
}

@Suite struct SecrecyTests {
    @Test("a key is in no description, dump or error of its connection")
    func withheld() throws {
        let secret = "eok_sesame"
        let orchestrator = try Orchestrator(serverURL: "http://127.0.0.1:1", apiKey: secret, retries: .none)
        var dumped = ""
        dump(orchestrator, to: &dumped)
        #expect(!dumped.contains(secret) && dumped.contains("(secret)"))
        #expect(!"\(orchestrator)".contains(secret) && !String(reflecting: orchestrator).contains(secret))
        let error = #expect(throws: OrchestratorError.self) { try orchestrator.policies() }
        #expect(error.map { "\($0)".contains(secret) } == false)
        #expect(error?.isTransient == true)
    }
}
