import RealModule

/// The limit of what any judge can do: Wald's sequential test with the canary's expected failures and the effect known.
///
/// Source: Wald, "Sequential tests of statistical hypotheses", 1945, for Poisson counts.
struct KnownRatesRule: RivalJudge {
    private let effect: Double
    private let bound: Double
    private var evidence = 0.0

    init(effect: Double, alpha: Double) {
        self.effect = effect
        bound = -Double.log(alpha)
    }

    mutating func endTick(_ tick: RivalTick) -> Bool {
        evidence += tick.newFailures * Double.log(effect) - (effect - 1) * tick.newExpected
        return evidence >= bound
    }
}
