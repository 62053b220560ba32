import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// Each gate alone stops a promotion: the step is proven, every other gate is open, and it still does not advance.
@Suite struct StepJudgeGateTests {
    /// A step whose version is far better than tolerated: proven as soon as the soak is over.
    private var good: SimulatedStep {
        SimulatedStep(devices: 24, canaries: 8, requests: 60, oldRate: 0.03, newRate: 0.005, margin: .relative(2))
    }

    private func canaries(_ step: SimulatedStep) -> [Int] {
        step.isCanary.indices.filter { step.isCanary[$0] }
    }

    /// Judges to the tick and expects proof, the one gate closed, and no advance.
    private func expectOnly(
        _ gate: Gate, closed judgement: TickJudgement?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let judgement = try #require(judgement, sourceLocation: sourceLocation)
        let closed = judgement.gates.filter { !$0.isOpen }.map(\.gate)
        #expect(closed == [gate], sourceLocation: sourceLocation)
        #expect(judgement.recommendation.waitCode == "gate_\(gate.rawValue)", sourceLocation: sourceLocation)
        #expect(judgement.metrics[0].isProven || gate == .soak, sourceLocation: sourceLocation)
    }

    @Test("with all gates open the step advances, proven")
    func open() throws {
        let ending = try #require(good.ending(within: 30))
        #expect(ending.recommendation == .advance(isProven: true))
    }

    @Test("soak")
    func soak() throws {
        var step = good
        step.plan.soakTicks = 30
        try expectOnly(.soak, closed: step.judgements(ticks: 29).last)
        let ending = try #require(step.ending(within: 40))
        #expect(ending.tick == 30)
    }

    @Test("exposure: six of eight are fewer than 80 %, seven are not")
    func exposure() throws {
        let step = good
        func last(unexposed: Int) -> TickJudgement? {
            let kept = canaries(step).prefix(unexposed)
            return step.judgements(ticks: 25) { _, evidence in
                for index in kept {
                    evidence.observations[index].isExposed = false
                    let counts = evidence.observations[index].new + evidence.observations[index].old
                    evidence.observations[index].old = counts
                    evidence.observations[index].new = []
                }
            }.last
        }
        try expectOnly(.exposure, closed: last(unexposed: 2))
        #expect(last(unexposed: 1)?.recommendation == .advance(isProven: true))
    }

    @Test("exposure: a canary that was not even commanded")
    func commanded() throws {
        let step = good
        let last = step.judgements(ticks: 25) { _, evidence in
            guard let index = canaries(step).first else { return }
            evidence.observations[index].isCommanded = false
            evidence.observations[index].isExposed = false
        }.last
        try expectOnly(.exposure, closed: last)
    }

    /// Two canaries of 60 are silent during the last three ticks: too short a time for the completeness gate.
    @Test("silence: canaries that are silent now, though no row of the test has seen enough")
    func silence() throws {
        var step = good
        step.devices = 60
        step.canaries = 20
        let quiet = Set(canaries(step).prefix(2))
        // As many others miss heartbeats early, so that neither silence nor completeness stands out.
        let others = Set((0..<60).filter { !step.isCanary[$0] }.prefix(6))
        let judgements = step.judgements(ticks: 20) { tick, evidence in
            evidence.observations.removeAll {
                (tick > 17 && quiet.contains($0.device)) || ((2...6).contains(tick) && others.contains($0.device))
            }
        }
        try expectOnly(.silence, closed: judgements.last)
    }

    @Test("silence: one silent canary is let through in a small arm")
    func oneSilent() {
        let step = good
        let quiet = canaries(step).first
        let judgements = step.judgements(ticks: 14) { tick, evidence in
            if tick > 11 { evidence.observations.removeAll { $0.device == quiet } }
        }
        #expect(judgements.last?.gates.first { $0.gate == .silence }?.isOpen == true)
    }

    @Test("silence: canaries that are broken, though the arm as a whole is better")
    func broken() throws {
        var step = good
        step.devices = 160
        step.canaries = 40
        step.margin = .relative(4)
        let ill = Set(canaries(step).prefix(3))
        let judgements = step.judgements(ticks: 12) { _, evidence in
            for index in evidence.observations.indices
            where ill.contains(evidence.observations[index].device) && evidence.observations[index].isExposed {
                evidence.observations[index].new = [Tally(count: 60, total: 18)]
            }
        }
        try expectOnly(.silence, closed: judgements.last)
    }

    @Test("completeness: canaries miss more heartbeats than the others, none of them silent now")
    func completeness() throws {
        let step = good
        let gappy = Set(canaries(step).prefix(5))
        let judgements = step.judgements(ticks: 24) { tick, evidence in
            if [12, 16].contains(tick) { evidence.observations.removeAll { gappy.contains($0.device) } }
        }
        let proven = try #require(judgements.last)
        #expect(proven.metrics[0].isProven)
        try expectOnly(.completeness, closed: proven)
    }

    @Test("concentration: one class of hardware fails, the arm as a whole is within its tolerance")
    func concentration() throws {
        var step = good
        step.devices = 80
        step.canaries = 40
        step.margin = .relative(3)
        step.newRate = 0.02
        step.labels = { ["hw": $0 % 4 == 0 ? "orin" : "nano"] }
        var random = Chance(seed: 5, stream: 1)
        let isCanary = step.isCanary
        let judgements = step.judgements(ticks: 12) { tick, evidence in
            for index in evidence.observations.indices
            where isCanary[index] && index % 4 == 0 && evidence.observations[index].isExposed {
                evidence.observations[index].new = [
                    Tally(count: 60, total: Double(random.count(60, rate: 0.055)))
                ]
            }
        }
        let last = try #require(judgements.last)
        #expect(last.gates.first { $0.gate == .concentration }?.isOpen == false)
        #expect(last.gates.filter { !$0.isOpen }.map(\.gate) == [.concentration])
        #expect(last.metrics[0].isProven)
        #expect(last.recommendation.waitCode == "gate_concentration")
    }
}
