import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// A controller that is killed is another controller over the same store: nothing acknowledged is lost, nothing decided
/// twice.
@Suite struct RestartTests {
    private func rolling(seed: UInt64 = 1, rate: Double) throws -> World {
        let world = try World(seed: seed)
        try world.settle()
        world.failureRates[world.versions[1].digest] = rate
        try world.want(2)
        return world
    }

    @Test("a rollback is decided across restarts, once, and carried out by whoever is there", arguments: 1...5)
    func rollback(every rounds: Int) throws {
        let world = try rolling(seed: UInt64(rounds), rate: 0.4)
        for round in 1...40 where world.rollout?.state != .rolledBack {
            try world.run(1)
            if round.isMultiple(of: rounds) { try world.restartController() }
        }
        #expect(world.rollout?.state == .rolledBack)
        #expect(world.decided.filter { $0 == .rollback }.count == 1)
        #expect(world.serving(1).count == 12)
        #expect(try world.assigned(2).isEmpty)
        let numbers = world.rollout?.decisions.map(\.number) ?? []
        #expect(numbers == Array(1...numbers.count))
    }

    @Test("a promotion goes on across restarts, each step is drawn once, and every decision follows from its record")
    func promotion() throws {
        let world = try rolling(rate: 0.01)
        for round in 1...150 where world.rollout?.state != .completed {
            try world.run(1)
            if round.isMultiple(of: 4) { try world.restartController() }
        }
        let rollout = try #require(world.rollout)
        #expect(rollout.state == .completed)
        #expect(world.decided == [.advance, .promote])
        let record = try world.controller.evidence(rollout.id)
        let steps = try record.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment,
                rows: try step.rows.map { row in
                    try TickEvidence(decoding: [UInt8](try #require(Data(base64Encoded: row))))
                })
        }
        let replay = DecisionReplay(steps, policies: record.metrics)
        #expect(rollout.decisions.map { replay.outcome(of: $0) } == [.reproduced, .reproduced])
        let draws = try world.controller.audit(before: nil, limit: 1000).filter { $0.action == "step.draw" }
        #expect(draws.count == 2)
    }

    @Test("what a new controller shows is what the old one had committed")
    func sameState() throws {
        let world = try rolling(rate: 0.05)
        try world.run(4)
        let before = try #require(world.rollout)
        let devices = world.controller.devices(matching: .everything, after: nil, limit: 100).items
        try world.restartController()
        let after = try #require(world.rollout)
        #expect(after.state == before.state && after.decisions == before.decisions && after.progress == before.progress)
        #expect(after.judgement == before.judgement)
        let again = world.controller.devices(matching: .everything, after: nil, limit: 100).items
        #expect(again.map(\.totals) == devices.map(\.totals))
        #expect(again.map { $0.slots.map(\.assigned) } == devices.map { $0.slots.map(\.assigned) })
        #expect(again.map { $0.slots.map(\.arm) } == devices.map { $0.slots.map(\.arm) })
    }

    @Test("the time a controller was away is no silence of its devices", arguments: [60.0, 3600.0])
    func gap(seconds: Double) throws {
        let world = try World()
        world.requests = 20
        world.failureRates = [world.versions[0].digest: 0, world.versions[1].digest: 0]
        world.policy.deadlineSeconds = 86_400
        try world.settle()
        try world.want(2)
        try world.run(4)
        let before = world.decided
        for device in world.devices { device.link.connect(to: nil) }
        world.time.pass(seconds: seconds)
        try world.restartController()
        try world.run(3)
        #expect(world.decided == before, "neither a hold nor a verdict comes of it")
        let silence = world.rollout?.judgement?.events.first { $0.name == "silence" }
        #expect(silence?.canaries == 0 && silence?.others == 0)
        #expect(
            world.controller.devices(matching: .everything, after: nil, limit: 100).items.allSatisfy {
                $0.state == .online
            })
    }

    @Test("a rollback under way is finished by the next controller, for devices that come back later too")
    func rollbackUnderWay() throws {
        let world = try rolling(rate: 0.05)
        try world.run(2)
        let canaries = world.serving(2)
        canaries.first?.isAway = true
        try world.order(.rollback)
        try world.restartController()
        try world.run(2)
        #expect(world.rollout?.state == .rollingBack)
        #expect(try world.run(atMost: 10) { $0.rollout?.state == .rolledBack })
        canaries.first?.isAway = false
        try world.run(2)
        #expect(world.serving(1).count == 12)
    }

    // MARK: - A store that refuses

    @Test("a tick whose commit fails decides nothing, and the next one counts and decides the same")
    func refusedTicks() throws {
        let steady = try rolling(rate: 0.4)
        let troubled = try rolling(rate: 0.4)
        let store = try #require(troubled.store as? MemoryStore)
        for _ in 0..<12 {
            try steady.run(1)
            troubled.time.pass(seconds: 2)
            try troubled.beat()
            store.refuseCommits(1)
            let shown = troubled.rollout?.decisions
            #expect(throws: MemoryStore.Refusal.self) { try troubled.controller.tick() }
            #expect(troubled.rollout?.decisions == shown, "what is not stored is not shown")
            try troubled.controller.tick()
        }
        #expect(troubled.decided == [.rollback] && steady.decided == [.rollback])
        #expect(troubled.rollout?.decisions.first?.evidence == steady.rollout?.decisions.first?.evidence)
        #expect(troubled.serving(1).count == 12)
    }

    @Test("a change whose commit fails is refused and shown nowhere")
    func refusedChange() throws {
        let world = try World()
        try world.settle()
        let store = try #require(world.store as? MemoryStore)
        let audited = try world.controller.audit(before: nil, limit: 1000).count
        store.refuseCommits(1)
        #expect(throws: MemoryStore.Refusal.self) { try world.want(2) }
        #expect(world.controller.policies().map(\.name.rawValue) == ["default", "quick"])
        store.refuseCommits(1)
        #expect(throws: MemoryStore.Refusal.self) {
            try world.controller.createToken(EnrolmentTokenRequest(), by: world.person)
        }
        #expect(world.controller.tokens().isEmpty)
        #expect(world.controller.unreadyReason()?.contains("refused a commit") == true)
        #expect(try world.controller.audit(before: nil, limit: 1000).count == audited)
        try world.want(2)
        #expect(world.controller.unreadyReason() == nil)
    }
}
