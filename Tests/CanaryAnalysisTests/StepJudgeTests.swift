import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct StepJudgeTests {
    @Test("a version that fails five times as often is rolled back within a few ticks, by name")
    func harm() throws {
        let ending = try #require(SimulatedStep(newRate: 0.15).ending(within: 20))
        guard case .rollback(let finding) = ending.recommendation else {
            Issue.record("\(ending)")
            return
        }
        #expect(ending.tick <= 8)
        #expect(finding.reason == "harm_proven" && finding.metric == "failures")
        #expect(finding.evidence > finding.bound && finding.effect > 2)
        #expect(!finding.test.isEmpty && !finding.sentence.isEmpty)
    }

    @Test("a better version is advanced with proof, not before its soak is over")
    func proof() throws {
        let ending = try #require(SimulatedStep(newRate: 0.008).ending(within: 60))
        #expect(ending.recommendation == .advance(isProven: true))
        #expect(ending.tick >= 10)
    }

    @Test("the same experiment and evidence give the same judgements, from packed rows too")
    func refold() throws {
        for step in [SimulatedStep(newRate: 0.06, spread: 0.4), SimulatedStep(newRate: 0.008)] {
            var live = StepJudge(step.experiment)
            var again = StepJudge(step.experiment)
            for evidence in step.evidence(ticks: 25) {
                let unpacked = try TickEvidence(decoding: evidence.encoded())
                #expect(live.judge(evidence) == again.judge(unpacked))
            }
        }
    }

    @Test("without evidence of the new version nothing is said against it, and nothing for it")
    func unexposed() {
        var step = SimulatedStep()
        step.exposedFrom = 1_000
        let last = step.judgements(ticks: 20).last
        #expect(last?.recommendation.waitCode == "gate_exposure")
        #expect(last?.metrics[0].canaryValue == nil)
    }

    @Test("worse by less than half of what is tolerated is never rolled back")
    func withinTolerance() {
        // 15 % more at a tolerance of 100 %: seen in time, and no reason to take the version back.
        let step = SimulatedStep(
            requests: 2_000, oldRate: 0.1, newRate: 0.115, historyRequests: 20_000, margin: .relative(2))
        let judgements = step.judgements(ticks: 12)
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback })
        let last = judgements.last
        #expect((last?.evidence ?? 0) > (last?.bound ?? .infinity) || last?.metrics[0].isProven == true)
    }

    @Test("a metric that is only watched is shown and decides nothing")
    func watched() {
        let step = SimulatedStep(newRate: 0.3, mode: .watch)
        let judgements = step.judgements(ticks: 12)
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback && !$0.recommendation.isAdvance })
        #expect((judgements.last?.metrics[0].evidence ?? 0) > 5)
    }

    // MARK: - What a small list cannot decide

    private var lastEight: SimulatedStep {
        var step = SimulatedStep(devices: 8, canaries: 7, newRate: 0.008)
        step.plan.share = 0.001_5
        return step
    }

    @Test("a first step that no set of labels could decide says so and waits")
    func cannotDecide() {
        let last = lastEight.judgements(ticks: 15).last
        #expect(last?.recommendation.waitCode == "cannot_decide")
        #expect(last?.canDecide == false)
    }

    @Test("after a proven step it advances on soak and gates, and not before")
    func unproven() throws {
        var step = lastEight
        step.plan.mayAdvanceUnproven = true
        let ending = try #require(step.ending(within: 15))
        #expect(ending.recommendation == .advance(isProven: false))
        #expect(ending.tick == 10)
    }

    @Test("a step that could decide does not advance unproven")
    func mayButNeedNot() {
        var step = SimulatedStep()
        step.plan.mayAdvanceUnproven = true
        #expect(step.judgements(ticks: 14).allSatisfy { $0.recommendation != .advance(isProven: false) })
    }

    // MARK: - Absolute limits

    @Test("a limit that only the canary breaches rolls back, where no test can decide")
    func limit() throws {
        var step = lastEight
        step.newRate = 0.2
        step.limit = 0.1
        let ending = try #require(step.ending(within: 12))
        guard case .rollback(let finding) = ending.recommendation else {
            Issue.record("\(ending)")
            return
        }
        #expect(finding.reason == "limit_breached" && finding.bound == 0.1)
    }

    @Test("a limit that both arms breach holds")
    func bothArms() {
        let step = SimulatedStep(oldRate: 0.2, newRate: 0.2, limit: 0.1)
        let last = step.judgements(ticks: 12).last
        #expect(last?.recommendation.waitCode == "limit_breached_by_both")
    }

    // MARK: - Failed updates

    @Test("two of eight failed updates halt")
    func failedUpdates() {
        let step = SimulatedStep()
        let failing = step.experiment.devices.indices.filter { step.experiment.devices[$0].isCanary }.prefix(2)
        let judgements = step.judgements(ticks: 5) { _, evidence in
            for index in failing {
                evidence.observations[index].hasFailedUpdate = true
                evidence.observations[index].isExposed = false
            }
        }
        guard case .halt(let finding) = judgements[0].recommendation else {
            Issue.record("\(judgements[0].recommendation)")
            return
        }
        #expect(finding.reason == "updates_failing")
    }

    // MARK: - Silence and crashes

    @Test("crashes of most canaries roll back, although no request fails")
    func crashes() throws {
        let step = SimulatedStep(newRate: 0.03)
        var judge = StepJudge(step.experiment)
        var found: HarmFinding?
        for (tick, evidence) in step.evidence(ticks: 12).enumerated() {
            var evidence = evidence
            for index in evidence.observations.indices where tick == 5 && evidence.observations[index].isExposed {
                evidence.observations[index].crashes = 1
            }
            if case .rollback(let finding) = judge.judge(evidence).recommendation { found = found ?? finding }
        }
        let finding = try #require(found)
        #expect(finding.metric == "crashes")
        #expect(finding.effect > 2)
    }

    @Test("exposed canaries that fall silent roll back, although nothing fails")
    func silence() throws {
        let step = SimulatedStep()
        let judgements = step.judgements(ticks: 16) { tick, evidence in
            guard tick > 6 else { return }
            evidence.observations.removeAll { $0.isExposed }
        }
        let finding = judgements.compactMap { judgement -> HarmFinding? in
            if case .rollback(let finding) = judgement.recommendation { finding } else { nil }
        }.first
        #expect(["silence", "completeness"].contains(try #require(finding).metric))
    }

    @Test("the silence of an update is excused for its time and no longer")
    func excuse() {
        func silences(excuseTicks: Int) -> Int {
            var step = SimulatedStep(exposedFrom: 12)
            step.plan.excuseTicks = excuseTicks
            let judgements = step.judgements(ticks: 11) { tick, evidence in
                for index in evidence.observations.indices where evidence.observations[index].isCommanded && tick > 1 {
                    evidence.observations[index].wasHeard = false
                    evidence.observations[index].old = []
                }
            }
            return judgements.last?.events.first { $0.name == "silence" }?.canaries ?? -1
        }
        #expect(silences(excuseTicks: 20) == 0)
        #expect(silences(excuseTicks: 5) == 8)
    }

    @Test("an outage of everybody is nobody's harm")
    func outage() {
        let judgements = SimulatedStep().judgements(ticks: 20) { tick, evidence in
            if (6...12).contains(tick) { evidence.observations.removeAll() }
        }
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback })
    }

    // MARK: - Explaining

    @Test("the worst canaries are named, worst first")
    func contributions() throws {
        let step = SimulatedStep(newRate: 0.15)
        let last = try #require(step.judgements(ticks: 6).last)
        #expect(last.contributions.count == 5)
        #expect(last.contributions.allSatisfy { $0.observed > $0.expected })
        let canaries = Set(step.experiment.devices.filter(\.isCanary).map(\.id))
        #expect(last.contributions.allSatisfy { canaries.contains($0.device) })
    }

    @Test("the interval lies around the true effect and narrows with the evidence")
    func interval() throws {
        let judgements = SimulatedStep(newRate: 0.09, margin: .relative(50)).judgements(ticks: 40)
        let early = try #require(judgements[4].metrics.first)
        let late = try #require(judgements[39].metrics.first)
        let lower = try #require(late.effectLower), upper = try #require(late.effectUpper)
        // The true effect is 3; the ends are points of a coarse grid.
        #expect(lower > 1.5 && lower <= 3.5)
        #expect(upper >= 2.5 && upper < 5)
        #expect(upper / lower <= (early.effectUpper ?? 20) / (early.effectLower ?? 0.1))
    }

    @Test("harm that begins late is measured over the last ticks, under an absolute tolerance too")
    func lateAbsoluteHarm() throws {
        let step = SimulatedStep(devices: 40, canaries: 10, newRate: 0.06, exposedFrom: 81, margin: .absolute(0.02))
        let ending = try #require(step.ending(within: 110))
        #expect(ending.recommendation.isRollback)
        #expect(ending.tick < 105)
    }

    @Test("harm well inside the tolerance is proven, said and not taken back, however often it is looked at")
    func trifle() {
        var (proven, takenBack) = (0, 0)
        for seed in 1...12 {
            let step = SimulatedStep(
                devices: 100, canaries: 40, requests: 100, newRate: 0.0318, historyRequests: 200_000, exposedFrom: 2,
                seed: UInt64(seed))
            let judgements = step.judgements(ticks: 70)
            proven += judgements.contains { $0.recommendation.waitCode == "worse_within_tolerance" } ? 1 : 0
            takenBack += judgements.contains { $0.recommendation.isRollback } ? 1 : 0
        }
        #expect(proven >= 4)
        #expect(takenBack == 0)
    }

    @Test("a class is named where it is worse than the rest, and seldom where all are worse alike", arguments: [0, 1])
    func classes(isAlike: Int) {
        let named = (1...15).count { seed in
            var step = SimulatedStep(devices: 150, canaries: 50, newRate: 0.03, seed: UInt64(seed))
            step.labels = { ["hw": $0 % 5 == 0 ? "orin" : "nano"] }
            let isCanary = step.isCanary
            var random = Chance(seed: UInt64(seed), stream: 8)
            let judgements = step.judgements(ticks: 20) { _, evidence in
                for index in evidence.observations.indices
                where isCanary[index] && evidence.observations[index].isExposed && (isAlike == 1 || index % 5 == 0) {
                    let failures = random.count(20, rate: isAlike == 1 ? 0.075 : 0.3)
                    evidence.observations[index].new = [Tally(count: 20, total: Double(failures))]
                }
            }
            let finding = judgements.lazy.compactMap { judgement -> HarmFinding? in
                guard case .rollback(let finding) = judgement.recommendation else { return nil }
                return finding
            }.first
            return isAlike == 1 ? finding?.suspect != nil : finding?.suspect == "hw=orin"
        }
        #expect(isAlike == 1 ? named <= 2 : named >= 13)
    }
}
