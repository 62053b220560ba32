import CanaryAnalysis
import Fleet
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Rollouts that are decided by something else than failures: a whole fleet in one process.
@Suite struct MeasuredRolloutTests {
    /// A fleet of twelve on v1 that measures confidence, latency and classes, with v2 on its way.
    private func rolling(
        _ metrics: [MetricPolicy], seed: UInt64 = 1, change: (World) -> Void
    ) throws -> World {
        let world = try World(seed: seed)
        world.policy.metrics = [MetricPolicy(name: "failures", relativeTolerance: 2)] + metrics
        for version in world.versions {
            world.confidences[version.digest] = 0.9
            world.slowShares[version.digest] = 0.1
            world.cats[version.digest] = 0.3
        }
        change(world)
        try world.settle()
        try world.want(2)
        return world
    }

    private func judged(_ metric: String, _ world: World) throws -> MetricJudgement {
        try #require(world.rollout?.judgement?.metrics.first { $0.metric == metric })
    }

    @Test("a version that is less sure of its answers is rolled back, though it fails no more than the other")
    func confidence() throws {
        let world = try rolling([MetricPolicy(name: "confidence", absoluteTolerance: 0.05)]) { world in
            world.confidences[world.versions[1].digest] = 0.7
        }
        let isBack = try world.run(atMost: 40) { $0.rollout?.state == .rolledBack }
        #expect(isBack)
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.kind == .rollback && decision.metric == "confidence" && !decision.dryRun)
        #expect(abs((decision.effect ?? 0) + 0.2) < 0.05, "a mean's effect is a difference")
        #expect(world.serving(1).count == 12)
    }

    @Test("a version that is slower is rolled back, though it fails no more than the other")
    func latency() throws {
        let world = try rolling([MetricPolicy(name: "latency", absoluteTolerance: 0.05)]) { world in
            world.slowShares[world.versions[1].digest] = 0.6
        }
        let isBack = try world.run(atMost: 40) { $0.rollout?.state == .rolledBack }
        #expect(isBack)
        let decision = try #require(world.rollout?.decisions.last)
        #expect(decision.kind == .rollback && decision.metric?.hasPrefix("latency_p") == true)
    }

    @Test("a version that answers another class more often is rolled back")
    func classes() throws {
        let world = try rolling([MetricPolicy(name: "class:cat", absoluteTolerance: 0.05)]) { world in
            world.cats[world.versions[1].digest] = 0.02
        }
        let isBack = try world.run(atMost: 40) { $0.rollout?.state == .rolledBack }
        #expect(isBack)
        #expect(world.rollout?.decisions.last?.metric == "class:cat")
    }

    @Test("what is measured and not named is watched: shown with its values, and never a reason to roll back")
    func watched() throws {
        let world = try rolling([]) { world in world.confidences[world.versions[1].digest] = 0.7 }
        try world.run(8)
        let confidence = try judged("confidence", world)
        #expect(confidence.mode == .watch && confidence.kind == .mean)
        #expect(abs((confidence.canaryValue ?? 0) - 0.7) < 0.02 && abs((confidence.baselineValue ?? 0) - 0.9) < 0.02)
        #expect(
            world.rollout?.judgement?.metrics.map(\.metric)
                == ["failures", "latency_p50", "latency_p90", "latency_p99", "class:cat", "class:dog", "confidence"])
        #expect(!world.decided.contains(.rollback))
    }

    @Test("a new controller judges as the old one did, whatever devices measure meanwhile")
    func restarts() throws {
        func decided(restartingEvery rounds: Int?) throws -> (decisions: [Decision], judgement: TickJudgement?) {
            let world = try rolling([MetricPolicy(name: "confidence", absoluteTolerance: 0.05)]) { world in
                world.failureRates[world.versions[1].digest] = 0.01
            }
            for round in 1...60 where world.rollout?.state != .completed {
                try world.run(1)
                guard let rounds, round.isMultiple(of: rounds), world.rollout?.state == .progressing else { continue }
                let before = world.rollout?.judgement
                try world.restartController()
                #expect(world.rollout?.judgement == before)
            }
            return (world.rollout?.decisions ?? [], world.rollout?.judgement)
        }
        let one = try decided(restartingEvery: nil)
        let other = try decided(restartingEvery: 3)
        try #require(!one.decisions.isEmpty)
        #expect(one.decisions.map(\.kind) == other.decisions.map(\.kind))
        #expect(one.decisions.map(\.metric) == other.decisions.map(\.metric))
    }

    @Test("a metric whose policy halts halts, and once a person has gone on it does not halt for the same again")
    func halts() throws {
        let world = try rolling([MetricPolicy(name: "confidence", absoluteTolerance: 0.05, onFail: .halt)]) { world in
            world.confidences[world.versions[1].digest] = 0.6
        }
        let isHalted = try world.run(atMost: 40) { $0.rollout?.state == .halted }
        #expect(isHalted && world.decided == [.halt])
        #expect(world.serving(2).count == 4, "exposed devices stay")
        try world.order(.resume)
        try world.run(5)
        #expect(world.rollout?.state == .progressing && world.decided == [.halt, .resume])
    }

    @Test("a metric whose policy holds holds, and says for what")
    func holds() throws {
        let world = try rolling([MetricPolicy(name: "confidence", absoluteTolerance: 0.05, onFail: .hold)]) { world in
            world.confidences[world.versions[1].digest] = 0.6
        }
        let isHeld = try world.run(atMost: 40) { $0.rollout?.state == .holding }
        #expect(isHeld && world.decided == [.hold])
        #expect(world.rollout?.waitReason == "harm_proven")
    }

    @Test(
        "a guarded metric that nobody measures holds by its name, and not where its policy ignores that",
        arguments: [MetricPolicy.OnNoData.hold, .ignore])
    func noData(onNoData: MetricPolicy.OnNoData) throws {
        let world = try rolling([MetricPolicy(name: "accuracy", onNoData: onNoData)]) { world in
            world.failureRates[world.versions[1].digest] = 0.01
        }
        let isHeld = try world.run(atMost: 60) { $0.rollout?.state == .holding || $0.decided.contains(.advance) }
        #expect(isHeld)
        switch onNoData {
        case .hold:
            #expect(world.rollout?.waitReason == "no_data")
            #expect(world.rollout?.waitSentence?.contains("accuracy") == true)
        case .ignore: #expect(world.decided == [.advance])
        }
    }

    @Test("latency that is guarded where no runtime counts it by bounds is no data")
    func noHistogram() throws {
        let world = try rolling([MetricPolicy(name: "latency")]) { $0.slowShares = [:] }
        try world.run(6)
        #expect(world.rollout?.state == .holding && world.rollout?.waitReason == "no_data")
        #expect(world.rollout?.waitSentence?.contains("latency") == true)
    }

    @Test("a dry run says that it would roll back, once, and goes on by soak and gates")
    func dryRun() throws {
        let world = try rolling([MetricPolicy(name: "confidence", absoluteTolerance: 0.05)]) { world in
            world.confidences[world.versions[1].digest] = 0.6
            world.policy.dryRun = true
            world.policy.soakSeconds = 40
        }
        let isOver = try world.run(atMost: 120) { $0.rollout?.state == .completed }
        #expect(isOver)
        let decisions = try #require(world.rollout?.decisions)
        let would = decisions.filter(\.dryRun)
        #expect(would.map(\.kind) == [.rollback] && would.first?.metric == "confidence")
        #expect(decisions.filter { !$0.dryRun }.map(\.reason) == ["dry_run", "dry_run"])
        #expect(world.serving(2).count == 12)
        let page = String(
            decoding: world.registry.render(.text) { world.controller.collect(into: &$0) }, as: UTF8.self)
        let labels = #"{model="digits",decision="rollback",cause="judge"}"#
        #expect(page.contains("edgeorch_rollout_dry_run_decisions_total\(labels) 1"))
        #expect(!page.contains("edgeorch_rollout_decisions_total\(labels) 1"))
    }
}
