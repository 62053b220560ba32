import Fleet
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Nobody waits unseen: every wait has a reason, a sentence, a beginning and a metric.
@Suite struct WaitingTests {
    private func rolling(change: (World) -> Void = { _ in }) throws -> World {
        let world = try World()
        // Nothing fails and little is asked: neither harm nor its absence can be shown.
        world.requests = 20
        for version in world.versions { world.failureRates[version.digest] = 0 }
        change(world)
        try world.settle()
        try world.want(2)
        try world.run(3)
        return world
    }

    /// What the wait metric shows, by reason.
    private func shownWaits(_ world: World) -> [String] {
        let page = world.registry.render(.text) { world.controller.collect(into: &$0) }
        return String(decoding: page, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("edgeorch_rollout_hold_since_timestamp_seconds{") }.map(String.init)
    }

    @Test("a mass outage of both arms holds, decides nothing, and passes with the outage")
    func massOutage() throws {
        let world = try rolling()
        for device in world.devices { device.isAway = true }
        try world.run(6)
        let held = try #require(world.rollout)
        #expect(held.state == .holding)
        #expect(["mass_silence", "no_data"].contains(held.waitReason))
        let since = try #require(held.waitSince)
        #expect(shownWaits(world).count == 1)
        #expect(shownWaits(world).first?.hasSuffix(" \(since.milliseconds / 1000)") == true, "\(shownWaits(world))")
        for device in world.devices { device.isAway = false }
        #expect(try world.run(atMost: 20) { $0.rollout?.state == .progressing })
        #expect(shownWaits(world).isEmpty)
        #expect(!world.decided.contains(.rollback) && !world.decided.contains(.halt))
        #expect(world.decided.first == .hold && world.decided.last == .resume)
    }

    @Test("an outage of half of each arm is an outage, not the version's doing")
    func halfOutage() throws {
        let world = try rolling()
        let canaries = world.serving(2)
        let others = world.serving(1)
        for device in canaries.prefix(2) + others.prefix(4) { device.isAway = true }
        try world.run(8)
        #expect(world.rollout?.state == .holding && world.rollout?.waitReason == "mass_silence")
        #expect(world.rollout?.decisions.last?.cause == .outage)
    }

    @Test("an outage of one site is an outage, however small it is in the fleet")
    func siteOutage() throws {
        let world = try World()
        world.requests = 20
        for version in world.versions { world.failureRates[version.digest] = 0 }
        try world.enrol(25)
        try world.enrol(5, site: "paris")
        try world.want(1)
        try world.run(5)
        try world.want(2)
        try world.run(3)
        let paris = world.devices.suffix(5).filter { $0.runtime.serving == world.versions[0].digest }
        for device in paris.prefix(2) { device.isAway = true }
        try world.run(8)
        #expect(world.rollout?.state == .holding && world.rollout?.waitReason == "mass_silence")
        #expect(world.rollout?.waitSentence?.contains("paris") == true)
    }

    @Test("canaries that fall silent while the others report take the version back")
    func silentCanaries() throws {
        let world = try rolling()
        for device in world.serving(2) { device.isAway = true }
        #expect(try world.run(atMost: 20) { $0.decided.last == .rollback })
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.cause == .judge && decision.reason == "harm_proven")
        // Nobody waits for devices that cannot be reached; they return when they are back.
        #expect(try world.run(atMost: 10) { $0.rollout?.state == .rolledBack })
        for device in world.devices { device.isAway = false }
        try world.run(2)
        #expect(world.serving(1).count == 12)
    }

    @Test("without requests nothing is decided, and after the policy's limit a person is asked")
    func noData() throws {
        let world = try rolling { $0.requests = 0 }
        try world.run(3)
        #expect(world.rollout?.state == .holding)
        #expect(world.rollout?.decisions.last?.kind == .hold)
        #expect(try world.run(atMost: 20) { $0.rollout?.state == .halted })
        let last = try #require(world.rollout?.decisions.last)
        #expect(last.cause == .noData && last.reason == "no_data_limit")
        #expect(shownWaits(world).first?.contains("reason=\"no_data_limit\"") == true)
        #expect(world.rollout?.waitSentence?.contains("resume, advance, promote or rollback") == true)
    }

    @Test(
        "a step that is undecided at its deadline is given to a person, or to what the policy says",
        arguments: [Policy.DeadlineAction.halt, .rollback, .hold])
    func deadline(action: Policy.DeadlineAction) throws {
        let world = try rolling { world in
            world.policy.deadlineSeconds = 30
            world.policy.onDeadline = action
        }
        try world.run(16)
        let states: [Policy.DeadlineAction: RolloutState] = [
            .halt: .halted, .rollback: .rolledBack, .hold: .holding,
        ]
        #expect(world.rollout?.state == states[action])
        let decision = try #require(world.rollout?.decisions.first)
        #expect(decision.cause == .deadline && decision.reason == "deadline_undecided")
    }

    @Test("a rollout that finds nobody to start with says so and starts when somebody is back")
    func nobodyEligible() throws {
        let world = try World()
        try world.settle()
        for device in world.devices { device.isAway = true }
        world.time.pass(seconds: 700)
        try world.want(2)
        try world.run(2)
        #expect(world.rollout?.state == .progressing && world.rollout?.step == 0)
        #expect(world.rollout?.waitReason == "no_eligible_devices")
        #expect(shownWaits(world).first?.contains("reason=\"no_eligible_devices\"") == true)
        for device in world.devices { device.isAway = false }
        try world.run(3)
        #expect(world.rollout?.step == 1)
        #expect(world.serving(2).count == 4)
        #expect(shownWaits(world).isEmpty)
    }

    @Test("a later step that finds nobody because they are away holds, without deciding anything twice")
    func nobodyLeft() throws {
        let world = try rolling()
        for device in world.serving(1) { device.isAway = true }
        world.time.pass(seconds: 700)
        try world.run(1)
        try world.order(.advance)
        try world.run(1)
        let decisions = world.decided
        try world.run(10)
        #expect(world.decided == decisions)
        #expect(world.rollout?.step == 1 && world.rollout?.waitReason == "mass_silence")
        for device in world.devices { device.isAway = false }
        try world.run(3)
        #expect(world.rollout?.step == 2)
        #expect(world.serving(2).count > 4)
    }

    @Test("a rollout that found nobody for its next step and was halted goes on when it is resumed")
    func nobodyLeftAndHalted() throws {
        let world = try rolling()
        for device in world.serving(1) { device.isAway = true }
        world.time.pass(seconds: 700)
        try world.run(1)
        try world.order(.advance)
        try world.order(.halt)
        for device in world.devices { device.isAway = false }
        try world.run(2)
        try world.order(.resume)
        try world.run(3)
        #expect(world.rollout?.step == 2)
    }
}
