import CanaryAnalysis
public import Fleet

/// What a deployment's placebo rollouts came to: the measured rate of false rollbacks.
public struct PlaceboRecord: Codable, Hashable, Sendable {
    /// The deployment.
    public var deployment: DeploymentName
    /// Those that were shown to be harmless.
    public var passed = 0
    /// Those that the judge would have taken back.
    public var falseRollbacks = 0
    /// Those that would have been halted.
    public var falseHalts = 0
    /// Those that nothing was shown of by their deadline.
    public var undecided = 0
    /// Those that ended before their time; they say nothing.
    public var superseded = 0
    /// Those that went to an end of their own: what the rate is a share of.
    public var judged = 0
    /// The share of false rollbacks, in 0...1; nil before the first that was judged.
    public var rate: Double?
    /// Lower end of its 95 % interval (Clopper and Pearson), in 0...1; nil where there is no rate.
    public var rateLower: Double?
    /// Upper end, in 0...1; nil where there is no rate.
    public var rateUpper: Double?
    /// What the first step of the policy may spend of its error budget on the evidence: the rate should not be above
    /// it, in 0...1; that of the newest one.
    public var allowed: Double

    /// Counts outcomes.
    ///
    /// - Parameters:
    ///   - outcomes: of the placebo rollouts that have ended.
    ///   - allowed: what the step of the newest may spend, in 0...1.
    public init(_ deployment: DeploymentName, outcomes: [Placebo.Outcome], allowed: Double) {
        self.deployment = deployment
        self.allowed = allowed
        for outcome in outcomes {
            switch outcome {
            case .passed: passed += 1
            case .falseRollback: falseRollbacks += 1
            case .falseHalt: falseHalts += 1
            case .undecided: undecided += 1
            case .superseded: superseded += 1
            }
        }
        judged = outcomes.count - superseded
        guard judged > 0 else { return }
        let seen = ExactBinomial(falseRollbacks, of: judged)
        let interval = seen.interval()
        rate = seen.share
        rateLower = interval.lowerBound
        rateUpper = interval.upperBound
    }
}
