import FleetSimulation
import Foundation
import Testing

@testable import CanaryAnalysis

@Suite struct AbsoluteRulesTests {
    /// One canary of two devices, with a soak of 60 ticks.
    private func step(
        newRate: Double = 0.03, seed: UInt64 = 1, change: (inout SimulatedStep) -> Void = { _ in }
    )
        -> SimulatedStep
    {
        var step = SimulatedStep(devices: 2, canaries: 1, newRate: newRate, seed: seed)
        step.plan = TestPlan(
            share: 0.009, updateShare: 0.001, soakTicks: 60, deadlineTicks: 200, watchTicks: 3_000, excuseTicks: 5,
            mayAdvanceUnproven: false, method: .absolute)
        step.plan.devicesNeeded = 23
        change(&step)
        return step
    }

    /// The first recommendation that ends the step where something happens to the canary at tick 20.
    private func ending(
        _ step: SimulatedStep, ticks: Int = 80, at first: Int = 20,
        _ change: (inout TickEvidence, _ canary: Int) -> Void
    ) throws -> (tick: Int, recommendation: Recommendation) {
        let canary = try #require(step.isCanary.firstIndex(of: true))
        let judgements = step.judgements(ticks: ticks) { tick, evidence in
            if tick >= first { change(&evidence, canary) }
        }
        let ending = judgements.first { judgement in
            switch judgement.recommendation {
            case .rollback, .halt, .advance: true
            case .hold, .undecided, .noData: false
            }
        }
        let last = try #require(ending ?? judgements.last)
        return (last.tick, last.recommendation)
    }

    private func rule(_ recommendation: Recommendation) -> String? {
        if case .rollback(let finding) = recommendation { finding.metric } else { nil }
    }

    @Test("a version that keeps the rules advances at the end of its soak, unproven, and says what a test would need")
    func kept() throws {
        let judgements = step().judgements(ticks: 60)
        #expect(judgements.dropLast().allSatisfy { $0.recommendation.waitCode?.hasPrefix("gate_") == true })
        let last = try #require(judgements.last)
        #expect(last.recommendation == .advance(isProven: false))
        #expect(last.method == .absolute && last.devicesNeeded == 23 && !last.canDecide && last.bound == nil)
        #expect(!last.metrics[0].isProven)
    }

    @Test("a single device advances alone")
    func alone() throws {
        let alone = step {
            $0.devices = 1
            $0.canaries = 1
        }
        #expect(alone.ending(within: 60)?.recommendation == .advance(isProven: false))
    }

    @Test("one crash, failed start or failed update of the canary takes the version back, by name")
    func events() throws {
        let crash = try ending(step()) { evidence, canary in evidence.observations[canary].crashes = 1 }
        #expect(crash.tick == 20 && rule(crash.recommendation) == "crashes")
        let start = try ending(step()) { evidence, canary in evidence.observations[canary].failedStarts = 1 }
        #expect(start.tick == 20 && rule(start.recommendation) == "failed_starts")
        let update = try ending(step()) { evidence, canary in
            evidence.observations[canary].hasFailedUpdate = true
            evidence.observations[canary].isExposed = false
        }
        #expect(update.tick == 20 && rule(update.recommendation) == "updates")
    }

    @Test("a crash of the other device, or of the canary before its command, is none of the version's")
    func otherCrashes() throws {
        let other = try ending(step()) { evidence, canary in evidence.observations[1 - canary].crashes = 1 }
        #expect(other.recommendation == .advance(isProven: false))
        let early = try ending(step(), at: 1) { evidence, canary in
            guard !evidence.observations[canary].isExposed else { return }
            evidence.observations[canary].isCommanded = false
            evidence.observations[canary].crashes = 1
        }
        #expect(early.recommendation == .advance(isProven: false))
    }

    @Test("three silent ticks of the canary break a rule; where the others are silent too it holds")
    func silence() throws {
        func isSilent(_ one: inout DeviceObservation) {
            one.wasHeard = false
            one.new = []
            one.old = []
        }
        let alone = try ending(step()) { evidence, canary in isSilent(&evidence.observations[canary]) }
        #expect(alone.tick == 22 && rule(alone.recommendation) == "silence")
        let common = try ending(step(), ticks: 30) { evidence, _ in
            for index in evidence.observations.indices { isSilent(&evidence.observations[index]) }
        }
        #expect(common.recommendation.waitCode == "silence_everywhere")
    }

    @Test("without requests on the new version it holds, and does not advance")
    func noData() throws {
        let last = try ending(step(), at: 1) { evidence, canary in evidence.observations[canary].new = [] }
        guard case .noData = last.recommendation else {
            Issue.record("\(last.recommendation)")
            return
        }
    }

    @Test("a limit is kept as in every step")
    func limit() throws {
        let broken = try #require(
            step(newRate: 0.06) {
                $0.limit = 0.04
                $0.requests = 60
            }.ending(within: 60))
        guard case .rollback(let finding) = broken.recommendation else {
            Issue.record("\(broken.recommendation)")
            return
        }
        #expect(finding.metric == "failures")
    }

    @Test("three times the failures of the device's own history takes the version back within the soak")
    func history() throws {
        for seed in 1...20 {
            let ending = try #require(step(newRate: 0.09, seed: UInt64(seed)) { $0.requests = 40 }.ending(within: 60))
            guard case .rollback(let finding) = ending.recommendation else {
                Issue.record("seed \(seed): \(ending.recommendation)")
                continue
            }
            #expect(finding.test == AbsoluteRules.historyTest && finding.metric == "failures")
            #expect(finding.evidence > finding.bound && finding.effect > 1.125)
        }
    }

    @Test("what is proven to be worse by less than half of what is tolerated is let through")
    func trifle() throws {
        let trifle = step(newRate: 0.115) {
            $0.oldRate = 0.1
            $0.requests = 20_000
            $0.historyRequests = 2_000_000
            $0.margin = .relative(2)
        }
        #expect(trifle.ending(within: 60)?.recommendation == .advance(isProven: false))
    }

    @Test("a wave that the other device shows too is not the version's")
    func wave() throws {
        let calm = step {
            $0.devices = 6
            $0.requests = 100
        }
        let trebled = try ending(calm) { evidence, _ in
            for index in evidence.observations.indices {
                for place in evidence.observations[index].old.indices {
                    evidence.observations[index].old[place].total *= 3
                }
                for place in evidence.observations[index].new.indices {
                    evidence.observations[index].new[place].total *= 3
                }
            }
        }
        #expect(trebled.recommendation == .advance(isProven: false))
    }

    @Test("harmless versions on devices that only chance moves are taken back in less than one of a hundred runs")
    func falseRollbacks() {
        let broken = (1...400).count { seed in
            step(seed: UInt64(seed)).ending(within: 60)?.recommendation.isRollback == true
        }
        // The level is 0.1 % for a device and metric, over all looks.
        #expect(broken <= 3)
    }

    @Test("looks grow apart by a tenth, take in the end of the soak, and go on after the planned watch")
    func looks() {
        let looks = Looks(soakTicks: 123, watchTicks: 1_000)
        #expect((1...19).allSatisfy(looks.contains) && !looks.contains(21) && looks.contains(123))
        #expect((1...1_000).count(where: looks.contains) == looks.count && looks.count < 70)
        #expect(looks.contains(1_010) && !looks.contains(1_011))
    }

    @Test("a plan of before methods had names is read, picked or drawn")
    func olderPlans() throws {
        var plan = step().plan
        #expect(try JSONDecoder().decode(TestPlan.self, from: JSONEncoder().encode(plan)) == plan)
        func older(_ field: String) throws -> TestPlan.Method {
            let text = """
                {"share":0.1,"updateShare":0.1,"proofLevel":0.05,"soakTicks":1,"deadlineTicks":2,"watchTicks":3,
                "excuseTicks":4,"mayAdvanceUnproven":false\(field)}
                """
            return try JSONDecoder().decode(TestPlan.self, from: Data(text.utf8)).method
        }
        #expect(try older("") == .draw && older(",\"isRandomised\":true") == .draw)
        #expect(try older(",\"isRandomised\":false") == .model)
        plan.method = .model
        #expect(try JSONDecoder().decode(TestPlan.self, from: JSONEncoder().encode(plan)).method == .model)
        let watch = TestPlan.watch(share: 0.001, updateShare: 0.0001, ticks: 2_880, excuseTicks: 20)
        #expect(try JSONDecoder().decode(TestPlan.self, from: JSONEncoder().encode(watch)) == watch)
    }
}
