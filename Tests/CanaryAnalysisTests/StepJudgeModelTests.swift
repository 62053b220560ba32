import FleetSimulation
import RealModule
import Testing

@testable import CanaryAnalysis

/// Steps whose canaries a person picked: bets by a model of devices decide in place of the draw.
@Suite struct StepJudgeModelTests {
    private func step(newRate: Double) -> SimulatedStep {
        var step = SimulatedStep(newRate: newRate, spread: 0.3)
        step.plan.method = .model
        return step
    }

    @Test("five times the failures on picked canaries are taken back, by a finding that says it is model-based")
    func harm() throws {
        let ending = try #require(step(newRate: 0.15).ending(within: 12))
        guard case .rollback(let finding) = ending.recommendation else {
            Issue.record("expected a rollback, got \(ending.recommendation)")
            return
        }
        #expect(finding.test == "model-based")
        #expect(finding.reason == "harm_proven")
        #expect(finding.evidence > finding.bound)
        #expect(finding.sentence.contains("picked by a person"))
    }

    @Test("a better version on picked canaries advances once its soak is over")
    func good() throws {
        let judgements = step(newRate: 0.008).judgements(ticks: 40)
        let last = try #require(judgements.last)
        #expect(last.recommendation == .advance(isProven: true))
        #expect(last.method == .model)
        #expect(last.metrics[0].verdict == .pass)
        #expect(last.leadingTest == "model-based")
        #expect(judgements.prefix(9).allSatisfy { !$0.recommendation.isAdvance })
    }

    @Test("what the draw's test would prove does not promote picked canaries by itself")
    func noProofByTheDraw() throws {
        let last = try #require(step(newRate: 0.03).judgements(ticks: 12).last)
        #expect(last.metrics[0].isProven == false)
        #expect(last.metrics[0].safetyBound.map { abs($0 + Double.log(0.05)) < 1e-9 } == true)
        #expect(last.recommendation.waitCode == "unproven")
    }

    @Test("a closed gate stops picked canaries too")
    func gates() throws {
        let step = step(newRate: 0.008)
        let canaries = step.isCanary.indices.filter { step.isCanary[$0] }.prefix(3)
        let last = step.judgements(ticks: 40) { tick, evidence in
            guard tick > 30 else { return }
            evidence.observations.removeAll { canaries.contains($0.device) }
        }.last
        #expect(try #require(last).recommendation.waitCode == "gate_silence")
    }

    @Test("updates that fail take picked canaries back")
    func failingUpdates() throws {
        let last = step(newRate: 0.03).judgements(ticks: 8) { _, evidence in
            for index in evidence.observations.indices where evidence.observations[index].isExposed {
                evidence.observations[index].hasFailedUpdate = true
            }
        }.last
        guard case .rollback(let finding) = try #require(last).recommendation else {
            Issue.record("expected a rollback")
            return
        }
        #expect(finding.reason == "updates_failing")
    }

    @Test("a guarded mean holds, for no bet can prove it")
    func guardedMean() throws {
        let step = step(newRate: 0.008)
        var experiment = step.experiment
        experiment.metrics.append(MetricPlan(name: "confidence", kind: .mean, harm: .down, margin: .absolute(0.1)))
        for index in experiment.devices.indices { experiment.devices[index].history.append(Tally(count: 9, total: 9)) }
        var judge = StepJudge(experiment)
        var last: TickJudgement?
        for evidence in step.evidence(ticks: 40) {
            var evidence = evidence
            for index in evidence.observations.indices {
                let mean = Tally(count: 20, total: 18)
                if evidence.observations[index].isExposed {
                    evidence.observations[index].new.append(mean)
                } else {
                    evidence.observations[index].old.append(mean)
                }
            }
            last = judge.judge(evidence)
        }
        let recommendation = try #require(last).recommendation
        #expect(recommendation.waitCode == "cannot_decide")
        guard case .undecided(let reason) = recommendation else { return }
        #expect(reason.sentence.contains("confidence"))
    }
}
