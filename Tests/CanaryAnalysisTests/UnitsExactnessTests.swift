import FleetSimulation
import Testing

@testable import CanaryAnalysis

/// With sites as units the test is exact over whole sites, whatever the devices of a site have in common; taken for
/// single devices it is not.
@Suite struct UnitsExactnessTests {
    /// Nine sites of one to three devices.
    private static let sites = (0..<9).flatMap { site in [Int](repeating: site, count: site % 3 + 1) }

    /// Sites with incidents that all their devices share.
    private static func evidence(
        cohort: Set<Int>, tick: Int, more: Double = 0, crashes: Bool = false
    ) -> TickEvidence {
        TickEvidence(
            observations: sites.indices.map { device in
                let site = sites[device]
                var shared = Chance(seed: UInt64(site), stream: UInt64(tick / 4))
                let level = shared.uniform() < 0.3 ? 8.0 : 1
                var chance = Chance(seed: UInt64(device) + 100, stream: UInt64(tick))
                let count = 40.0
                let failures = Double(chance.count(40, rate: min(0.9, 0.01 * Double(site + 1) * level)))
                var one = DeviceObservation(device: device)
                one.wasHeard = true
                one.isCommanded = cohort.contains(site)
                one.isExposed = one.isCommanded && tick > 2
                if crashes, level > 1, chance.uniform() < 0.2 { one.crashes = 1 }
                let mean = Tally(count: count, total: count * (0.8 - 0.05 * level * chance.uniform()))
                if one.isExposed {
                    one.new = [
                        Tally(count: count, total: failures), Tally(count: count, total: mean.total - more * count),
                    ]
                } else {
                    one.old = [Tally(count: count, total: failures), mean]
                }
                return one
            })
    }

    /// Confidence is tested for harm beyond its tolerance: what changes nothing crosses by it less often than it might.
    private static func judge(
        _ cohort: Set<Int>, share: Double, proofLevel: Double = 0.05, hasConfidence: Bool = true
    ) -> StepJudge {
        StepJudge(
            StepExperiment(
                seed: 9, step: 1, tickSeconds: 30,
                devices: sites.indices.map {
                    ExperimentDevice(
                        id: "d\($0)", stratum: 0, isCanary: cohort.contains(sites[$0]),
                        labels: ["site": "s\(sites[$0])"],
                        history: [
                            Tally(count: 1_000, total: 10 * Double(sites[$0] + 1)), Tally(count: 1_000, total: 760),
                        ], unit: "s\(sites[$0])")
                },
                metrics: [MetricPlan(name: "failures", margin: .relative(1.25))]
                    + (hasConfidence
                        ? [
                            MetricPlan(
                                name: "confidence", kind: .mean, harm: .down, group: .answers,
                                margin: .absolute(0.02))
                        ] : []),
                plan: TestPlan(
                    share: share, updateShare: 0.001, proofLevel: proofLevel, soakTicks: 4, deadlineTicks: 16,
                    watchTicks: 16, excuseTicks: 10, mayAdvanceUnproven: false), unit: "site"))
    }

    private static let cohorts: [Set<Int>] = (0..<9).flatMap { first in
        (first + 1..<9).flatMap { second in (second + 1..<9).map { Set([first, second, $0]) } }
    }

    @Test("of all 84 cohorts of sites exactly the share that may have crossed by a tick has", arguments: [0.1, 0.3])
    func exact(share: Double) {
        let crossedAt = Self.cohorts.map { cohort -> Int? in
            var judge = Self.judge(cohort, share: share, hasConfidence: false)
            return (1...16).first { judge.judge(Self.evidence(cohort: cohort, tick: $0)).isWorse }
        }
        let spending = Spending(share: share, deadlineTicks: 16, watchTicks: 16)
        for tick in 3...16 {
            let crossed = crossedAt.count { $0.map { $0 <= tick } ?? false }
            #expect(crossed == Int(spending.spent(by: tick) * 84), "tick \(tick)")
        }
    }

    @Test("where few crashes tie cohorts, and with a metric that has a tolerance, no more than the share cross")
    func tolerated() {
        let crossedAt = Self.cohorts.map { cohort -> Int? in
            var judge = Self.judge(cohort, share: 0.3)
            return (1...12).first { judge.judge(Self.evidence(cohort: cohort, tick: $0, crashes: true)).isWorse }
        }
        let spending = Spending(share: 0.3, deadlineTicks: 16, watchTicks: 16)
        for tick in 3...12 {
            let crossed = crossedAt.count { $0.map { $0 <= tick } ?? false }
            let allowed = Int(spending.spent(by: tick) * 84)
            #expect(crossed <= allowed && crossed >= allowed - 3, "tick \(tick)")
        }
    }

    @Test("at the edge of the tolerance exactly the share of cohorts that may be proven is")
    func exactProof() {
        let proven = Self.cohorts.count { cohort in
            var judge = Self.judge(cohort, share: 0.1, proofLevel: 0.2)
            var last: TickJudgement?
            // Exposed from the first counted tick on, so that the whole window is at the edge.
            for tick in 1...16 { last = judge.judge(Self.evidence(cohort: cohort, tick: tick, more: 0.02)) }
            return last?.metrics[1].isProven == true
        }
        let spending = Spending(share: 0.2, deadlineTicks: 16, watchTicks: 16, firstTick: 4)
        #expect(proven == Int(spending.spent(by: 16) * 84))
    }

    @Test("whole sites that are taken for single devices roll harmless versions back too often")
    func takenForDevices() {
        var crossed = (sites: 0, devices: 0)
        for fleet in 1...5 as ClosedRange<UInt64> {
            for first in 0..<8 {
                for second in first + 1..<8 {
                    if Self.isFoundWorse([first, second], fleet: fleet, isBySite: true) { crossed.sites += 1 }
                    if Self.isFoundWorse([first, second], fleet: fleet, isBySite: false) { crossed.devices += 1 }
                }
            }
        }
        // At a budget of 10 % two of the 28 cohorts of a fleet may cross.
        #expect(crossed.sites == 10)
        #expect(crossed.devices >= 21)
    }

    /// Whether a harmless version on two of eight sites of two devices each is found to be worse within 5 ticks.
    private static func isFoundWorse(_ cohort: Set<Int>, fleet: UInt64, isBySite: Bool) -> Bool {
        var judge = StepJudge(
            StepExperiment(
                seed: fleet, step: 1, tickSeconds: 30,
                devices: (0..<16).map {
                    ExperimentDevice(
                        id: "d\($0)", stratum: 0, isCanary: cohort.contains($0 / 2), labels: [:],
                        history: [Tally(count: 4_000, total: 80)], unit: isBySite ? "s\($0 / 2)" : nil)
                }, metrics: [MetricPlan(name: "failures", margin: .relative(1.25))],
                plan: TestPlan(
                    share: 0.1, updateShare: 0.001, soakTicks: 1_000, deadlineTicks: 5, watchTicks: 5,
                    excuseTicks: 10, mayAdvanceUnproven: false), unit: isBySite ? "site" : nil))
        return (1...5).contains { tick in
            let observations = (0..<16).map { device -> DeviceObservation in
                var shared = Chance(seed: fleet, stream: UInt64(device / 2) << 8)
                let level = 1 + 4 * shared.uniform()
                var chance = Chance(seed: fleet, stream: UInt64(device) << 16 + UInt64(tick))
                var one = DeviceObservation(device: device)
                one.wasHeard = true
                one.isCommanded = cohort.contains(device / 2)
                one.isExposed = one.isCommanded
                let tally = Tally(count: 200, total: Double(chance.count(200, rate: 0.02 * level)))
                if one.isExposed { one.new = [tally] } else { one.old = [tally] }
                return one
            }
            return judge.judge(TickEvidence(observations: observations)).isWorse
        }
    }

    @Test("a judgement says how many units stand against how many")
    func counted() {
        var judge = Self.judge([2, 5, 8], share: 0.1)
        let judgement = judge.judge(Self.evidence(cohort: [2, 5, 8], tick: 1))
        #expect(judgement.units == UnitCounts(label: "site", canaries: 3, others: 6))
        #expect(judgement.armsInWords == "3 sites, 9 devices (0 exposed) against 6 sites, 9 devices")
        #expect(judge.experiment.drawn(by: nil).unitCounts == nil)
        #expect(judge.experiment.drawn(by: nil).drawn(by: "site") == judge.experiment)
    }

    @Test("devices of a unit that report nothing at all are a mismatch only beyond what their number makes likely")
    func reports() {
        var judge = Self.judge([0, 3, 6], share: 0.1)
        var held = false
        for tick in 1...16 {
            let judgement = judge.judge(Self.evidence(cohort: [0, 3, 6], tick: tick))
            if case .hold(let reason) = judgement.recommendation { held = held || reason.code.contains("ratio") }
        }
        #expect(!held)
    }
}
