import Fleet
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// What people find out about alarms afterwards.
@Suite struct DecisionLabelTests {
    private let ada = Caller.person(id: "key-1", name: "ada", role: .operator)

    /// A fleet whose second version was rolled back by the judge.
    private func rolledBack() throws -> World {
        let world = try World()
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        #expect(try world.run(atMost: 30) { $0.rollout?.state == .rolledBack })
        return world
    }

    private func page(_ world: World) -> [Substring] {
        String(decoding: world.registry.render(.text) { world.controller.collect(into: &$0) }, as: UTF8.self)
            .split(separator: "\n").filter { $0.hasPrefix("edgeorch_rollout_decisions_labelled{") }
    }

    @Test("an alarm is labelled and unlabelled; label, audit row, revision and gauge follow, over a restart too")
    func labelled() throws {
        let world = try rolledBack()
        let id = try #require(world.rollout?.id)
        let number = try #require(world.rollout?.decisions.first { $0.kind == .rollback }?.number)
        let revision = try world.controller.rollout(id).revision
        let decision = try world.controller.label(.falsePositive, decision: number, of: id, by: ada)
        #expect(decision.label?.value == .falsePositive && decision.label?.by == "ada")
        #expect(try world.controller.rollout(id).revision != revision)
        #expect(page(world).contains { $0.contains("label=\"false_positive\"") && $0.hasSuffix(" 1") })
        #expect(page(world).contains { $0.contains("label=\"true_positive\"") && $0.hasSuffix(" 0") })
        try world.restartController()
        #expect(world.rollout?.decisions.first { $0.number == number } == decision)
        _ = try world.controller.label(nil, decision: number, of: id, by: ada)
        #expect(world.rollout?.decisions.contains { $0.label != nil } == false)
        #expect(page(world).allSatisfy { $0.hasSuffix(" 0") })
        let rows = try world.controller.audit(before: nil, limit: 10).filter { $0.action.hasPrefix("decision.") }
        #expect(rows.map(\.action) == ["decision.unlabel", "decision.label"])
        #expect(rows.allSatisfy { $0.actor == "ada" && $0.subject == "rollout/\(id)" })
        #expect(rows.allSatisfy { $0.detail == ["decision": "\(number)", "label": "false_positive"] })
    }

    @Test("the same label again changes nothing")
    func again() throws {
        let world = try rolledBack()
        let id = try #require(world.rollout?.id)
        let first = try world.controller.label(.truePositive, decision: 1, of: id, by: ada)
        let revision = try world.controller.rollout(id).revision
        #expect(try world.controller.label(.truePositive, decision: 1, of: id, by: ada) == first)
        #expect(try world.controller.rollout(id).revision == revision)
        #expect(try world.controller.audit(before: nil, limit: 10).count { $0.action == "decision.label" } == 1)
    }

    @Test("only alarms of the controller are labelled, and only those that there are")
    func refused() throws {
        let world = try World()
        try world.settle()
        try world.want(2)
        try world.run(2)
        try world.order(.halt)
        let id = try #require(world.rollout?.id)
        let number = try #require(world.rollout?.decisions.last?.number)
        let refusal = try #require(
            #expect(throws: Problem.self) {
                try world.controller.label(.falsePositive, decision: number, of: id, by: ada)
            })
        #expect(refusal.status == 409 && refusal.code == "no_alarm")
        let unknown = try #require(
            #expect(throws: Problem.self) { try world.controller.label(nil, decision: 99, of: id, by: ada) })
        #expect(unknown.status == 404 && unknown.code == "unknown_decision")
    }
}
