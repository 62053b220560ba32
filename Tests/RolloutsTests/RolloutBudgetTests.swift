import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Testing

@Suite struct RolloutBudgetTests {
    private static func digest(_ byte: UInt8) throws -> Digest { try SampleRollout.version("v2", byte).digest }

    /// A rollout to version 2 whose first step was judged so many ticks, then superseded.
    private static func superseded(after ticks: Int, earlier: [Rollout] = [], isRetry: Bool = false) throws -> Rollout {
        let budget = RolloutBudget(of: 0.01, for: try digest(2), after: earlier, isRetry: isRetry)
        var rollout = try SampleRollout.pending(budget: budget)
        _ = rollout.started(at: SampleRollout.at(0))
        _ = rollout.stepDrawn(1, cohort: [try SampleRollout.device(1)], eligible: 8, at: SampleRollout.at(1))
        for tick in 0..<ticks {
            _ = rollout.tickJudged(
                [.undecided(SampleRollout.soaking)], outage: nil, at: SampleRollout.at(2 + Double(tick)))
        }
        _ = rollout.superseded(by: try SampleRollout.version("v3", 3), at: SampleRollout.at(100))
        return rollout
    }

    @Test("a rollout has spent what its tests were allowed up to their last tick, and nothing before the first")
    func spent() throws {
        #expect(try Self.superseded(after: 0).spentBudget == 0)
        var last = 0.0
        for ticks in [1, 5, 20, 100] {
            let spent = try Self.superseded(after: ticks).spentBudget
            #expect(spent > last && spent < 0.005)
            last = spent
        }
        // The update test's tenth of the first step's part, and by hand a(t) of canary.md: soak and list play no role.
        let plan = TestPlan(
            share: 0.5, updateShare: 0.125, soakTicks: 3, deadlineTicks: 60, watchTicks: 600, excuseTicks: 10,
            mayAdvanceUnproven: false)
        let byHand = 0.5 * (0.8 * Foundation.log(1 + 60.0 / 4) / Foundation.log(1 + 60.0 / 4) + 0.2 * 60 / 600)
        #expect(abs(plan.spent(by: 60) - byHand - 0.125) < 1e-12)
        #expect(plan.spent(by: 0) == 0)
        #expect(abs(plan.spent(by: 600) - 0.625) < 1e-12)
    }

    @Test("a digest that runs again has what is left of its budget, and at least a quarter")
    func left() throws {
        let first = try Self.superseded(after: 20)
        let second = try Self.superseded(after: 20, earlier: [first])
        #expect(first.errorBudget == 0.01)
        #expect(abs(second.errorBudget - (0.01 - first.spentBudget)) < 1e-12)
        #expect(second.budget?.spentBefore == first.spentBudget)
        let many = try (0..<8).reduce([Rollout]()) { rollouts, _ in
            rollouts + [try Self.superseded(after: 100, earlier: rollouts)]
        }
        #expect(many.last?.errorBudget == 0.0025)
        #expect(zip(many, many.dropFirst()).allSatisfy { $0.errorBudget >= $1.errorBudget })
        #expect(many.last?.budget?.sentence?.contains("0.25 %") == true)
    }

    @Test("another digest has its whole budget")
    func another() throws {
        let first = try Self.superseded(after: 20)
        let other = RolloutBudget(of: 0.01, for: try Self.digest(9), after: [first], isRetry: false)
        #expect(other == RolloutBudget(share: 0.01) && other.sentence == nil)
    }

    @Test("a person's retry has the whole budget again and is counted; what follows it starts from there")
    func retried() throws {
        let first = try Self.superseded(after: 100)
        let retry = try Self.superseded(after: 5, earlier: [first], isRetry: true)
        #expect(retry.errorBudget == 0.01 && retry.budget?.retries == 1)
        #expect(retry.budget?.sentence?.contains("retry 1") == true)
        let next = RolloutBudget(of: 0.01, for: try Self.digest(2), after: [first, retry], isRetry: false)
        #expect(next.retries == 1 && next.spentBefore == retry.spentBudget)
        #expect(RolloutBudget(of: 0.01, for: try Self.digest(2), after: [first, retry], isRetry: true).retries == 2)
    }

    @Test("a promotion answers the question: the digest starts with its whole budget")
    func promoted() throws {
        let first = try Self.superseded(after: 100)
        let promoted = try SampleRollout.inState(.completed)
        let next = RolloutBudget(of: 0.01, for: try Self.digest(2), after: [first, promoted], isRetry: false)
        #expect(next == RolloutBudget(share: 0.01))
    }

    @Test("a rollout that was stored without a budget has its policy's")
    func old() throws {
        let bytes = try JSONEncoder().encode(try Self.superseded(after: 5))
        let object = try JSONSerialization.jsonObject(with: bytes)
        var stored = try #require(object as? [String: Any])
        #expect(stored.removeValue(forKey: "budget") != nil)
        let read = try JSONDecoder().decode(Rollout.self, from: JSONSerialization.data(withJSONObject: stored))
        #expect(read.budget == nil && read.errorBudget == read.policy.errorBudget)
    }
}
