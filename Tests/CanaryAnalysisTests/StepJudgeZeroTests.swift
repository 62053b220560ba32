import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// Zero is ordinary: every judgement is made of finite numbers, and the recommendation is the sensible one.
@Suite struct StepJudgeZeroTests {
    private func expectFinite(_ judgements: [TickJudgement], sourceLocation: SourceLocation = #_sourceLocation) {
        for judgement in judgements {
            var numbers: [Double] = [judgement.evidence, judgement.bound ?? 0]
            numbers += judgement.events.map(\.evidence)
            for metric in judgement.metrics {
                numbers += [metric.effect, metric.evidence, metric.safetyEvidence]
                let known: [Double?] = [
                    metric.effectLower, metric.effectUpper, metric.safetyBound, metric.canaryValue,
                    metric.baselineValue,
                ]
                numbers += known.compactMap(\.self)
            }
            for one in judgement.contributions { numbers += [one.observed, one.expected] }
            #expect(numbers.allSatisfy { $0.isFinite }, sourceLocation: sourceLocation)
        }
    }

    @Test("no requests at all: no data, never an advance")
    func zeroOfZero() {
        let judgements = SimulatedStep(requests: 0).judgements(ticks: 15)
        expectFinite(judgements)
        #expect(judgements.allSatisfy { !$0.recommendation.isAdvance && !$0.recommendation.isRollback })
        #expect(judgements.last?.recommendation.waitCode == "no_data")
        #expect(judgements.last?.metrics[0].verdict == .nodata)
    }

    @Test("nothing ever fails: an absolute margin proves it after the soak, a relative one cannot")
    func nothingFails() throws {
        let flipped = SimulatedStep(requests: 60, oldRate: 0, newRate: 0, margin: .absolute(0.01))
        expectFinite(flipped.judgements(ticks: 12))
        let ending = try #require(flipped.ending(within: 20))
        #expect(ending.recommendation == .advance(isProven: true))
        let thinned = SimulatedStep(oldRate: 0, newRate: 0).judgements(ticks: 15)
        expectFinite(thinned)
        #expect(thinned.last?.recommendation.waitCode == "unproven")
    }

    @Test("a baseline without any failure against a canary that fails: rolled back")
    func baselineAtZero() throws {
        let step = SimulatedStep(oldRate: 0, newRate: 0.1, margin: .absolute(0.001))
        expectFinite(step.judgements(ticks: 12))
        #expect(try #require(step.ending(within: 12)).recommendation.isRollback)
    }

    @Test("one failure against none is no reason to roll back")
    func oneAgainstNone() {
        let step = SimulatedStep(oldRate: 0, newRate: 0, margin: .absolute(0.001))
        let judgements = step.judgements(ticks: 15) { tick, evidence in
            guard tick == 6, let index = evidence.observations.firstIndex(where: \.isExposed) else { return }
            evidence.observations[index].new[0].total = 1
        }
        expectFinite(judgements)
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback })
        #expect((judgements.last?.metrics[0].effect ?? 0) > 1)
    }

    @Test("everything fails on both versions: nothing to hold against the new one")
    func allFail() {
        let judgements = SimulatedStep(oldRate: 1, newRate: 1).judgements(ticks: 15)
        expectFinite(judgements)
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback })
    }

    @Test("everything fails on the new version only: rolled back at once")
    func newFails() throws {
        let step = SimulatedStep(newRate: 1)
        expectFinite(step.judgements(ticks: 12))
        let ending = try #require(step.ending(within: 12))
        #expect(ending.recommendation.isRollback && ending.tick <= 4)
    }

    @Test("no history, no metrics, no comparison, no canaries, nobody: still an answer", arguments: 0..<5)
    func bare(kind: Int) {
        var step = SimulatedStep()
        switch kind {
        case 0: step.historyRequests = 0
        case 1: break
        case 2: (step.devices, step.canaries) = (8, 8)
        case 3: (step.devices, step.canaries) = (8, 0)
        default: (step.devices, step.canaries) = (0, 0)
        }
        var experiment = step.experiment
        if kind == 1 { experiment.metrics = [] }
        var judge = StepJudge(experiment)
        let judgements = step.evidence(ticks: 12).map { judge.judge($0) }
        expectFinite(judgements)
        #expect(judgements.allSatisfy { !$0.recommendation.isRollback })
        #expect(judgements.allSatisfy { $0.recommendation != .advance(isProven: true) } || kind == 0)
    }
}
