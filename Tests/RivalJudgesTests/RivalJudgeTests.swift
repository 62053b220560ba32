import CanaryAnalysis
import RealModule
import RecordedFleets
import Testing

@testable import RivalJudges

@Suite struct RivalJudgeTests {
    /// A tick with one canary (the first device) and so many others, each with its requests and failures.
    static func tick(
        _ number: Int, canary: (Double, Double), others: [(Double, Double)], expected: Double = 0
    ) -> RivalTick {
        let rows = ([canary] + others).enumerated().map { device, counts in
            RecordedRow(device: device, measurements: Measurements(requests: counts.0, failures: counts.1))
        }
        return RivalTick(
            seconds: 30 * Double(number), rows: rows, isCanary: [true] + others.map { _ in false },
            newFailures: canary.1, newExpected: expected)
    }

    /// The tick at which a judge takes the version back, of so many equal ones.
    static func decision(
        _ rival: Rival, ticks: Int, canary: (Double, Double), others: [(Double, Double)], expected: Double = 0
    ) -> Int? {
        var judge = rival.judge(devices: others.count + 1, effect: 2)
        return (1...ticks).first { judge.endTick(tick($0, canary: canary, others: others, expected: expected)) }
    }

    // MARK: - Ratios

    @Test("Argo gives up at the fourth minute above the ratio, Flagger at the fifth")
    func ratios() {
        let others = [(100.0, 1.0), (100, 1)]
        #expect(Self.decision(.argo, ticks: 60, canary: (100, 2), others: others) == 8)
        #expect(Self.decision(.flagger, ticks: 60, canary: (100, 2), others: others) == 10)
        #expect(Self.decision(.argo, ticks: 60, canary: (100, 1.5), others: others) == nil)
        #expect(Self.decision(.flagger, ticks: 60, canary: (100, 1.4), others: others) == nil)
    }

    @Test("a failure against none is above every ratio, none against none is not")
    func zeros() {
        #expect(Self.decision(.flagger, ticks: 60, canary: (100, 1), others: [(100, 0)]) == 10)
        #expect(Self.decision(.flagger, ticks: 60, canary: (100, 0), others: [(100, 0)]) == nil)
    }

    @Test("Argo's window forgets after five minutes, Flagger's after one")
    func windows() {
        var argo = Rival.argo.judge(devices: 2, effect: 2)
        var flagger = Rival.flagger.judge(devices: 2, effect: 2)
        // Trouble for one minute only: within Argo's window for five looks, within Flagger's for one.
        let argoTicks = (1...40).filter { number in
            argo.endTick(Self.tick(number, canary: (100, number <= 2 ? 50 : 0), others: [(100, 1)]))
        }
        let flaggerTicks = (1...40).filter { number in
            flagger.endTick(Self.tick(number, canary: (100, number <= 2 ? 50 : 0), others: [(100, 1)]))
        }
        #expect(argoTicks.first == 8)
        // Five looks see it, a sixth does not.
        for needed in [5, 6] {
            var rule = RatioRule(windowSeconds: 300, ratio: 1.5, failuresNeeded: needed)
            let isTaken = (1...40).contains { number in
                rule.endTick(Self.tick(number, canary: (100, number <= 2 ? 50 : 0), others: [(100, 1)]))
            }
            #expect(isTaken == (needed == 5))
        }
        #expect(flaggerTicks.isEmpty)
    }

    // MARK: - Kayenta

    /// R: wilcox.test(c(1.1, 2.2, 3.3, 4.4, 5.5), c(0.9, 1.8, 2.7, 3.6), conf.int = TRUE) has the estimate 1.05.
    @Test("the shift is the median of the pairwise differences")
    func hodgesLehmann() throws {
        let shift = try #require(
            KayentaRule.Shift([1.1, 2.2, 3.3, 4.4, 5.5], against: [0.9, 1.8, 2.7, 3.6]))
        #expect(abs(shift.estimate - 1.05) < 1e-12)
    }

    @Test("ten points a minute apart that do not overlap are high, equal ones are not")
    func kayenta() {
        let base = (0..<10).map { 0.01 + 0.0001 * Double($0) }
        #expect(KayentaRule.isHigh(canary: base.map { $0 * 2 }, baseline: base))
        #expect(!KayentaRule.isHigh(canary: base, baseline: base))
        #expect(!KayentaRule.isHigh(canary: base.map { $0 / 2 }, baseline: base))
        #expect(!KayentaRule.isHigh(canary: [], baseline: base))
    }

    @Test("it looks every ten minutes, or once after an hour")
    func kayentaLooks() {
        func decision(_ rival: Rival) -> Int? {
            var judge = rival.judge(devices: 2, effect: 2)
            return (1...130).first {
                let wave = Double($0 % 7)
                return judge.endTick(Self.tick($0, canary: (1_000, 30 + wave), others: [(1_000, 10 + wave)]))
            }
        }
        #expect(decision(.kayenta) == 20)
        #expect(decision(.kayentaOnce) == 120)
    }

    // MARK: - Anytime-valid rules

    /// Formula by hand: alpha 0.05, tuning 5,000: rho² = (-2 ln 0.05 + ln(1 - 2 ln 0.05)) / 5,000 = 0.00158756.
    @Test("half the width of the confidence sequence is its formula's")
    func halfWidth() {
        let width = ConfidenceSequenceRule.halfWidth(variance: 1, units: 1_000, alpha: 0.05)
        let square = (5.991_464_547 + Double.log(6.991_464_547)) / 5_000
        let grown = 1_000 * square + 1
        let expected = Double.sqrt(2 * grown / (1e6 * square) * Double.log(Double.sqrt(grown) / 0.05))
        #expect(abs(width - expected) < 1e-9)
        #expect(abs(width - 0.105) < 0.005)
    }

    @Test("a confidence sequence is crossed by devices that agree, not by one alone")
    func confidenceSequence() {
        func decision(canaries: [(Double, Double)]) -> Int? {
            var judge = Rival.growthbook.judge(devices: 400, effect: 2)
            return (1...40).first { number in
                let rows = (0..<400).map { device in
                    let counts =
                        device < 100 ? canaries[device % canaries.count] : (100, device % 2 == 0 ? 9.0 : 11.0)
                    return RecordedRow(
                        device: device, measurements: Measurements(requests: counts.0, failures: counts.1))
                }
                return judge.endTick(
                    RivalTick(seconds: 30 * Double(number), rows: rows, isCanary: (0..<400).map { $0 < 100 }))
            }
        }
        #expect(decision(canaries: [(100, 14), (100, 16)]) == 1)
        #expect(decision(canaries: [(100, 9), (100, 11)]) == nil)
    }

    /// By hand: concentration 100, share 1/2, 3 against 0: Γ(100)/Γ(103) · Γ(53)/Γ(50) · 2³.
    @Test("the bet on counts is its formula's")
    func counts() {
        let evidence = CountRule.logEvidence(canary: 3, baseline: 0, share: 0.5)
        let expected = Double.log(50 * 51 * 52 * 8 / (100.0 * 101 * 102))
        #expect(abs(evidence - expected) < 1e-9)
        #expect(Self.decision(.counts, ticks: 60, canary: (100, 10), others: [(100, 1)]) == 5)
        #expect(Self.decision(.counts, ticks: 60, canary: (100, 1), others: [(100, 10)]) == nil)
    }

    /// By hand: 10 failures where 5 are expected, effect 2: 10 ln 2 - 5 = 1.931 a tick, ln 100 = 4.605 after three.
    @Test("the limit adds up the likelihood of the known effect")
    func limit() {
        #expect(Self.decision(.limit, ticks: 10, canary: (500, 10), others: [(500, 5)], expected: 5) == 3)
        #expect(Self.decision(.limit, ticks: 60, canary: (500, 5), others: [(500, 5)], expected: 5) == nil)
    }
}
