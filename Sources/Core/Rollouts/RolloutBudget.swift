import CanaryAnalysis
public import Fleet

/// What a rollout may spend of its policy's error budget, and why it is less where it is.
///
/// The budget bounds how often a harmless version is taken back. A digest that is rolled out once more, because the
/// deployment wanted something else for a while, is tested once more, so it gets what its rollouts before have left.
/// There are two fresh starts: a person's retry after a rollback, which is counted, and a promotion, which answered
/// the question.
public struct RolloutBudget: Codable, Hashable, Sendable {
    /// The part of the policy's budget that a rollout has at least, whatever was spent before: with nothing to spend,
    /// no harm could ever be found.
    public static let leastPart = 0.25

    /// The probability that a harmless version is rolled back, over this rollout, in 0...1.
    public var share: Double
    /// What the digest's rollouts before may have spent, in 0...1; 0 for a fresh start.
    public var spentBefore: Double
    /// How often a person has had the digest tried again after a rollback.
    public var retries: Int

    /// A budget that nothing was spent of.
    public init(share: Double) {
        self.share = share
        spentBefore = 0
        retries = 0
    }

    /// What is left for one more rollout of a digest.
    ///
    /// - Parameters:
    ///   - whole: the policy's error budget, in 0...1.
    ///   - digest: the digest that is rolled out.
    ///   - earlier: the deployment's rollouts so far, oldest first.
    ///   - isRetry: whether a person wants it after a rollback.
    public init(of whole: Double, for digest: Digest, after earlier: [Rollout], isRetry: Bool) {
        let same = earlier.filter { $0.to.digest == digest }
        let retries = same.last?.budget?.retries ?? 0
        self.init(share: whole)
        self.retries = retries + (isRetry ? 1 : 0)
        guard !isRetry else { return }
        let answered = same.lastIndex { $0.promotedAt != nil }
        let counted = same[(answered.map { $0 + 1 } ?? 0)...].filter { ($0.budget?.retries ?? 0) == retries }
        spentBefore = counted.reduce(0) { $0 + $1.spentBudget }
        share = max(whole - spentBefore, whole * Self.leastPart)
    }

    /// Why the budget is not the policy's, for people; nil where it is.
    public var sentence: String? {
        if spentBefore > 0 {
            return "error budget \(Figure.percent(share)): earlier rollouts of this version spent up to "
                + "\(Figure.percent(spentBefore)) of the policy's"
        }
        return retries > 0
            ? "error budget \(Figure.percent(share)), whole again: retry \(retries) by a person" : nil
    }
}

extension Rollout {
    /// The probability that a harmless version is rolled back, over this rollout, in 0...1.
    public var errorBudget: Double { budget?.share ?? policy.errorBudget }

    /// What the tests of the steps drawn so far were allowed to spend up to their last tick, in 0...1: so much of the
    /// error budget is used up, whatever came of it.
    public var spentBudget: Double {
        steps.reduce(0) { $0 + testPlan(of: $1).spent(by: $1.ticks) }
    }

    /// What the judge of a drawn step may spend, and when.
    func testPlan(of step: RolloutStep) -> TestPlan {
        switch step.kind {
        case .step where step.method == .absolute: policy.rulesPlan
        case .step: policy.testPlan(step: step.number, isAfterProof: false, budget: errorBudget)
        case .watch: policy.watchPlan(budget: errorBudget)
        }
    }
}
