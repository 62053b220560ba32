import DeviceUpdates
import ModelTrust

/// Asks the runtime the golden inputs and compares its answers: a model that is healthy but wrong is refused.
struct SmokeTest {
    static let requestTimeoutSeconds = 10.0
    /// Unmeasured requests before a case is timed again: the first answers of a fresh model are slow.
    static let slowRetries = 2

    let probe: any RuntimeProbing
    let clock: any AgentClock
    /// The memory that the runtime holds, bytes; nil where it cannot be seen.
    var residentBytes: () -> UInt64? = { nil }

    /// Runs every case, then looks at the memory.
    ///
    /// - Throws: ``GoldenFault`` with the first difference.
    func run(_ golden: GoldenCases) throws(GoldenFault) {
        for golden in golden.cases.map({ (golden.latencyBudgetMs, $0) }) {
            try run(golden.1, budgetMs: golden.0)
        }
        guard let budget = golden.memoryBudgetBytes, let held = residentBytes(), held > budget else { return }
        throw GoldenFault("the runtime holds \(held >> 20) MiB where \(budget >> 20) MiB are allowed")
    }

    private func run(_ test: GoldenCases.Case, budgetMs: Double?) throws(GoldenFault) {
        var elapsedMs = 0.0
        for _ in 0...Self.slowRetries {
            let started = clock.uptimeSeconds
            let reply = try ask(test)
            elapsedMs = (clock.uptimeSeconds - started) * 1000
            try compare(reply, test)
            guard let budgetMs, elapsedMs > budgetMs else { return }
        }
        throw GoldenFault(
            "\(test.name): the answer took \(elapsedMs.rounded()) ms where \(budgetMs ?? 0) ms are allowed")
    }

    private func ask(_ test: GoldenCases.Case) throws(GoldenFault) -> ProbeReply {
        do {
            return try probe.post(
                test.path, json: test.body.serialized(), timeoutSeconds: Self.requestTimeoutSeconds)
        } catch {
            throw GoldenFault("\(test.name): no answer: \(error)")
        }
    }

    private func compare(_ reply: ProbeReply, _ test: GoldenCases.Case) throws(GoldenFault) {
        guard reply.isSuccess else { throw GoldenFault("\(test.name): the runtime answered status \(reply.status)") }
        let found: JSONValue
        do {
            found = try JSONValue(parsing: reply.body)
        } catch {
            throw GoldenFault("\(test.name): the answer is no JSON: \(error)")
        }
        if let difference = found.firstDifference(from: test.expect, tolerance: test.tolerance) {
            throw GoldenFault("\(test.name): \(difference)")
        }
    }
}
