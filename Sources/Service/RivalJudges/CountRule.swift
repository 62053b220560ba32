import RealModule

/// An anytime-valid test of counts that takes every request for independent of all others.
///
/// Given all failures of a tick, each is the canary's with the probability of its share of the requests; the bet is a
/// beta mixture around that share. Source: Lindon and Malek, "Anytime-valid inference for multinomial count data",
/// 2022.
struct CountRule: RivalJudge {
    /// How firmly the mixture is drawn to the share of requests, in failures.
    private static let concentration = 100.0

    private let alpha: Double
    private var canary = ArmCounts()
    private var baseline = ArmCounts()
    /// A step changes the share: a new bet starts with what the one before has gained.
    private var canaries = 0
    private var gained = 0.0

    init(alpha: Double) {
        self.alpha = alpha
    }

    mutating func endTick(_ tick: RivalTick) -> Bool {
        let canaries = tick.isCanary.count { $0 }
        if canaries != self.canaries {
            gained += current
            self.canaries = canaries
            (canary, baseline) = (ArmCounts(), ArmCounts())
        }
        canary += tick.canary
        baseline += tick.baseline
        return gained + current >= -Double.log(alpha)
    }

    /// What the bet has gained since the share changed; a bet on a better canary is no bet on harm.
    private var current: Double {
        let failures = canary.failures + baseline.failures
        guard canary.requests > 0, baseline.requests > 0, failures > 0 else { return 0 }
        let share = canary.requests / (canary.requests + baseline.requests)
        let gain = Self.logEvidence(canary: canary.failures, baseline: baseline.failures, share: share)
        return canary.failures > share * failures ? gain : min(0, gain)
    }

    /// The logarithm of the bet's gain.
    static func logEvidence(canary: Double, baseline: Double, share: Double) -> Double {
        let a = concentration * share
        let b = concentration * (1 - share)
        return Double.logGamma(concentration) - Double.logGamma(concentration + canary + baseline)
            + Double.logGamma(a + canary) - Double.logGamma(a) + Double.logGamma(b + baseline) - Double.logGamma(b)
            - canary * Double.log(share) - baseline * Double.log(1 - share)
    }
}
