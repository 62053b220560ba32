import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Stories of a whole fleet: one process, one seed, rounds instead of time.
@Suite struct RolloutStoryTests {
    /// A fleet of twelve on v1, and v2 on its way; `rate` is its share of failures where v1 has 0.05.
    private func rolling(rate: Double, change: (World) -> Void = { _ in }) throws -> World {
        let world = try World()
        change(world)
        try world.settle()
        world.failureRates[world.versions[1].digest] = rate
        #expect(try world.want(2).rollout?.rawValue == "digits-2")
        return world
    }

    @Test("a bad version is rolled back, and every device that was told to run it is assigned back")
    func rollsBack() throws {
        let world = try rolling(rate: 0.4)
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

    @Test("a good version is promoted through its steps, each of which proves it")
    func promotes() throws {
        let world = try rolling(rate: 0.01)
        let isOver = try world.run(atMost: 120) { world in
            let rollout = world.rollout
            let allowed = rollout?.state == .progressing && rollout?.step == 1 ? 4 : rollout?.step == 2 ? 12 : 0
            if rollout?.state == .progressing { #expect(world.serving(2).count <= allowed) }
            return rollout?.state == .completed
        }
        #expect(isOver)
        let rollout = try #require(world.rollout)
        #expect(rollout.decisions.map(\.kind) == [.advance, .promote])
        #expect(rollout.decisions.map(\.reason) == ["proven", "proven"])
        #expect(world.serving(2).count == 12)
        let fallbacks = try world.devices.map { try world.controller.device($0.id).slots[0].fallback?.digest }
        #expect(Set(fallbacks) == [world.versions[1].digest])
        try world.run(1)
        #expect(world.devices.allSatisfy { $0.fallback == world.versions[1].digest })
    }

    @Test("what the last list cannot decide advances on soak and gates, and is not proven here")
    func lastListTooShort() throws {
        let world = try rolling(rate: 0.01) { $0.policy.steps = [.devices(9), .percent(100)] }
        #expect(try world.run(atMost: 120) { $0.rollout?.state == .completed })
        #expect(world.rollout?.decisions.map(\.reason) == ["proven", "not_proven_here"])
        #expect(world.serving(2).count == 12)
    }

    @Test("a version that comes back after another one has what is left of its error budget")
    func comesBack() throws {
        let world = try rolling(rate: 0.05)
        try world.run(4)
        _ = try world.want(1)
        try world.run(2)
        _ = try world.want(2)
        let first = try #require(
            world.controller.rollouts(model: nil, active: nil).last { $0.to == world.versions[1] })
        let again = try #require(world.rollout)
        #expect(first.state == .superseded && again.id != first.id)
        #expect(again.budget.map { $0.share < 0.2 && $0.share >= 0.05 && $0.spentBefore > 0 } == true)
        #expect(again.budget?.retries == 0)
    }

    @Test("while a version is rolled out and watched, devices fall back to the one they come from")
    func fallback() throws {
        let world = try rolling(rate: 0.01)
        _ = try world.run(atMost: 120) { $0.rollout?.state == .watching }
        try world.run(2)
        #expect(world.serving(2).count == 12)
        #expect(world.devices.allSatisfy { $0.fallback == world.versions[0].digest })
    }

    @Test("harm that shows only in the watch takes the version back from everybody")
    func watched() throws {
        let world = try rolling(rate: 0.01) { $0.policy.watchSeconds = 600 }
        _ = try world.run(atMost: 120) { $0.rollout?.state == .watching }
        try world.run(2)
        try world.order(.rollback)
        try world.run(3)
        #expect(world.rollout?.state == .rolledBack)
        #expect(world.serving(1).count == 12)
        #expect(try world.assigned(1).count == 12)
    }

    @Test("no more devices update at once than the policy allows")
    func concurrency() throws {
        let world = try rolling(rate: 0.05) { world in
            world.policy.concurrentUpdates = 1
            world.policy.steps = [.devices(6), .percent(100)]
        }
        for round in 1...4 {
            try world.run(1)
            #expect(world.serving(2).count <= round)
        }
    }

    @Test("a device that cannot run the version is assigned back at once, and a few of them stop the rollout")
    func failedUpdates() throws {
        let world = try rolling(rate: 0.05) { world in world.policy.steps = [.devices(6), .percent(100)] }
        let bad = world.versions[1].digest
        for device in world.devices { device.refused = [bad] }
        let isOver = try world.run(atMost: 6) { $0.rollout?.state == .halted || $0.decided.contains(.rollback) }
        #expect(isOver)
        let decision = try #require(world.rollout?.decisions.first)
        #expect(decision.cause == .updateFailures && decision.reason == "updates_failing")
        try world.run(2)
        #expect(try world.assigned(2).isEmpty)
        #expect(world.serving(1).count == 12)
    }

    @Test(
        "a device that joins during the watch runs the new version, and returns with the others when it is taken back")
    func joinsDuringWatch() throws {
        let world = try rolling(rate: 0.05) { $0.policy.watchSeconds = 600 }
        try world.run(2)
        try world.order(.promote)
        try world.run(2)
        try world.enrol(1)
        try world.run(3)
        #expect(world.serving(2).count == 13)
        #expect(world.devices.last?.fallback == world.versions[0].digest)
        try world.order(.rollback)
        try world.run(3)
        #expect(world.rollout?.state == .rolledBack)
        #expect(world.serving(1).count == 13)
    }

    @Test("a device that joins during a rollout runs what the others come from, and what they move to in the end")
    func joinsDuringRollout() throws {
        let world = try rolling(rate: 0.01)
        try world.run(1)
        try world.enrol(1)
        try world.run(1)
        #expect(world.serving(1).count == 9)
        #expect(try world.run(atMost: 120) { $0.rollout?.state == .completed })
        try world.run(1)
        #expect(world.serving(2).count == 13)
    }

    @Test("a device that leaves the version in the watch stops the rollout, which a person lets watch on")
    func leavesDuringWatch() throws {
        let world = try rolling(rate: 0.05) { $0.policy.watchSeconds = 60 }
        try world.run(2)
        let canary = try #require(world.serving(2).first)
        try world.order(.promote)
        try world.run(2)
        try canary.fallBack()
        try world.run(2)
        #expect(world.rollout?.state == .halted && world.rollout?.waitReason == "updates_failing")
        #expect(canary.current == world.versions[0].digest)
        try world.order(.resume)
        #expect(world.rollout?.state == .watching)
        #expect(world.decided == [.promote, .halt, .resume])
    }

    // MARK: - People

    @Test("a halt stops everything but harm, and a person lets it go on")
    func haltAndResume() throws {
        let world = try rolling(rate: 0.01)
        try world.run(2)
        try world.order(.halt)
        try world.run(40)
        #expect(world.rollout?.state == .halted)
        #expect(world.serving(2).count == 4, "exposed devices stay, nobody follows")
        #expect(world.rollout?.waitReason == "ordered")
        try world.order(.resume)
        #expect(world.rollout?.state == .progressing)
        #expect(try world.run(atMost: 60) { $0.rollout?.state == .completed })
        #expect(world.decided == [.halt, .resume, .advance, .promote])
        #expect(world.rollout?.decisions.first?.actor == "ada")
    }

    @Test("harm takes the version back from a halted rollout too")
    func haltedHarm() throws {
        let world = try rolling(rate: 0.4)
        try world.run(1)
        try world.order(.halt)
        #expect(try world.run(atMost: 30) { $0.rollout?.state == .rolledBack })
        #expect(world.serving(1).count == 12)
    }

    @Test("a person advances, promotes and rolls back without proof, and it is said to be so")
    func orders() throws {
        let world = try rolling(rate: 0.05)
        try world.run(1)
        try world.order(.advance)
        #expect(world.rollout?.step == 2)
        try world.run(2)
        try world.order(.promote)
        #expect(world.rollout?.state == .watching)
        try world.run(2)
        #expect(world.serving(2).count == 12)
        try world.order(.rollback)
        try world.run(2)
        #expect(world.rollout?.state == .rolledBack)
        #expect(world.serving(1).count == 12)
        #expect(world.decided == [.advance, .promote, .rollback])
        #expect(world.rollout?.decisions.allSatisfy { $0.cause == .person && $0.actor == "ada" } == true)
    }

    @Test("a command that makes no sense is refused and changes nothing")
    func refusals() throws {
        let world = try rolling(rate: 0.05)
        #expect(throws: Problem.self) { try world.order(.retry) }
        #expect(throws: Problem.self) { try world.order(.resume) }
        #expect(throws: Problem.self) { try world.order(.advance, of: try RolloutID("digits-1")) }
        #expect(throws: Problem.self) { try world.order(.halt, of: try RolloutID("digits-9")) }
        #expect(world.rollout?.decisions.isEmpty == true)
    }

    @Test("applying a rolled-back version again does not start it, a retry does, with a draw of its own")
    func retry() throws {
        let world = try rolling(rate: 0.4)
        #expect(try world.run(atMost: 30) { $0.rollout?.state == .rolledBack })
        let again = try world.want(2)
        #expect(again.change == .unchanged && again.rollout?.rawValue == "digits-2")
        #expect(again.warnings.first?.contains("edgectl rollout retry digits-2") == true)
        try world.run(3)
        #expect(world.serving(2).isEmpty)
        let first = world.controller.state.rollouts[try RolloutID("digits-2")]?.rollout.salt
        world.failureRates = [:]
        let fresh = try world.order(.retry, of: try RolloutID("digits-2"))
        #expect(fresh?.id.rawValue == "digits-3" && fresh?.state == .progressing)
        #expect(world.controller.state.rollouts[try RolloutID("digits-3")]?.rollout.salt != first)
        try world.run(2)
        #expect(world.serving(2).count == 4)
    }

    @Test("a newer version takes the place of a running rollout, whose devices return first")
    func supersedes() throws {
        let world = try rolling(rate: 0.05)
        try world.run(2)
        #expect(world.serving(2).count == 4)
        #expect(try world.want(3).rollout?.rawValue == "digits-3")
        let older = try world.controller.rollout(try RolloutID("digits-2")).resource
        #expect(older.state == .superseded && older.endedAt != nil)
        try world.run(3)
        #expect(world.serving(2).isEmpty)
        #expect(world.serving(3).count == 4)
        #expect(world.rollout?.from == world.versions[0])
    }

    @Test("a dry run starts nothing")
    func dryRun() throws {
        let world = try World()
        try world.settle()
        let deployment = try world.controller.deployment(world.deployment)
        var wanted = deployment
        wanted.version = world.versions[1].name
        let result = try world.controller.apply(wanted, dryRun: true, by: world.person)
        #expect(result.change == .updated && result.rollout?.rawValue == "digits-2")
        #expect(try world.controller.deployment(world.deployment) == deployment)
        #expect(world.controller.rollouts(model: nil, active: true).isEmpty)
    }
}
