import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct PlaceboReplayTests {
    private static func step(devices: Int = 60, share: Double = 0.1) -> SimulatedStep {
        var step = SimulatedStep(devices: devices, canaries: 12, newRate: 0.3, exposedFrom: 4, seed: 5)
        step.plan.share = share
        step.plan.deadlineTicks = 20
        step.plan.watchTicks = 20
        return step
    }

    private static let limits = PlaceboReplay.Limits(devices: 100, ticks: 20, draws: 600)

    @Test("as many draws without a new version cross as may, however bad the new version was")
    func nominal() throws {
        let step = Self.step()
        let replay = PlaceboReplay(step.experiment, step.evidence(ticks: 20), limits: Self.limits)
        let result = try #require(replay.result)
        #expect(result.devices == 48 && result.ticks == 20 && result.draws == 600)
        #expect(abs(result.nominal - 0.1) < 1e-9)
        // Four standard errors of 600 draws.
        #expect(abs(result.share - result.nominal) < 0.05, "\(result.crossed) crossed")
        #expect(replay.exposedFrom == 4)
        #expect(replay.requestsPerTick == 20)
        #expect(abs(replay.missedShare) < 1e-9)
    }

    @Test("what came after a later step gave the new version to others is left out")
    func touched() throws {
        let step = Self.step()
        let isCanary = step.isCanary
        var evidence = step.evidence(ticks: 20)
        for tick in 12..<20 {
            for index in evidence[tick].observations.indices
            where !isCanary[evidence[tick].observations[index].device] {
                evidence[tick].observations[index].new = [Tally(count: 20, total: 10)]
            }
        }
        #expect(PlaceboReplay(step.experiment, evidence, limits: Self.limits).result?.ticks == 12)
    }

    @Test("too little evidence gives no share")
    func tooLittle() {
        let step = Self.step()
        #expect(PlaceboReplay(step.experiment, step.evidence(ticks: 5), limits: Self.limits).result == nil)
        #expect(PlaceboReplay(step.experiment, [], limits: Self.limits).exposedFrom == nil)
    }

    @Test("silent ticks are counted as missed heartbeats")
    func missed() {
        let step = Self.step()
        var evidence = step.evidence(ticks: 20)
        for tick in evidence.indices { evidence[tick].observations.removeAll { $0.device.isMultiple(of: 2) } }
        let replay = PlaceboReplay(step.experiment, evidence, limits: Self.limits)
        #expect(replay.missedShare > 0.3 && replay.missedShare < 0.7)
    }
}
