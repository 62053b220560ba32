import Fleet
import Rollouts
import Terminal
import Testing
import WireFormat

@testable import edgectl

@Suite struct RolloutPlacebosTests {
    private func rollout(_ number: Int, _ placebo: Placebo?) throws -> RolloutResource {
        let version = VersionReference(
            name: try VersionName("v1"), digest: try #require(Digest(bytes: Array(repeating: 1, count: 32))))
        var rollout = RolloutResource(
            id: try RolloutID("digits-\(number)"), deployment: try DeploymentName("digits"),
            model: try ModelName("digits"), from: version, to: version, state: .completed, step: 1, steps: 4,
            policy: Policy(name: try PolicyName("p")), createdAt: Timestamp(milliseconds: Int64(number) * 1000))
        rollout.placebo = placebo
        return rollout
    }

    @Test("placebo rollouts are counted by deployment, others and those under way are not")
    func records() throws {
        let records = RolloutPlacebos.records([
            try rollout(4, Placebo()), try rollout(3, Placebo(outcome: .falseRollback)),
            try rollout(2, Placebo(outcome: .passed)), try rollout(1, nil),
        ])
        let record = try #require(records.first)
        #expect(records.count == 1 && record.judged == 2 && record.rate == 0.5)
        #expect(record.allowed == Policy(name: try PolicyName("p")).placeboErrorShare)
    }

    @Test("a placebo rollout is told from others in the list, in its state")
    func mark() throws {
        #expect(Placebo(outcome: .passed).styled.text == "placebo: passed")
        #expect(Placebo().styled.text == "placebo")
    }
}
