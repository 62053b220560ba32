import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Stories of a whole fleet: one process, one seed, rounds instead of time.
@Suite struct RolloutStoryTests {
    @Test("a bad version is rolled back, and every device that was told to run it is assigned back")
    func rollsBack() throws {
        let world = try World()
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        var mostExposed = 0
        let isBack = try world.run(atMost: 30) { world in
            mostExposed = max(mostExposed, world.serving(2).count)
            return world.rollout?.state == .rolledBack
        }
        #expect(isBack)
        #expect(mostExposed == 4)
        let rollout = try #require(world.rollout)
        let decision = try #require(rollout.decisions.last)
        #expect(decision.kind == .rollback && decision.cause == .judge && decision.reason == "harm_proven")
        #expect(decision.metric == "failures" && decision.exposedDevices == 4)
        #expect(try world.assigned(2).isEmpty)
        #expect(world.serving(1).count == 12)
        #expect(rollout.progress == .init(drawn: 4, commanded: 4, restored: 4))
    }
}
