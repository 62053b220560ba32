public import CanaryAnalysis

extension Policy {
    /// How many devices a step draws from its list: up to the step's size on top of those drawn before; a step for
    /// everybody leaves a tenth to be compared with.
    ///
    /// - Parameters:
    ///   - step: the step, counted from 1.
    ///   - before: devices that earlier steps drew.
    ///   - listed: devices on the step's list, at least 1.
    public func cohortSize(step: Int, drawnBefore before: Int, listed: Int) -> Int {
        let wanted = steps[step - 1].count(of: before + listed) - before
        guard wanted >= listed else { return max(1, wanted) }
        return max(1, listed - Int((0.1 * Double(listed)).rounded(.up)))
    }

    /// What a step's judge may spend, and when.
    ///
    /// - Parameters:
    ///   - step: the step, counted from 1.
    ///   - isAfterProof: whether an earlier step was proven; then this one may advance where nothing can be decided.
    ///   - budget: what the rollout may spend in all, in 0...1; nil for the policy's error budget.
    public func testPlan(step: Int, isAfterProof: Bool, budget: Double? = nil) -> TestPlan {
        let shares = TestPlan.shares(of: budget ?? errorBudget, step: step, of: testedParts)
        return TestPlan(
            share: shares.test, updateShare: shares.updates, soakTicks: ticks(soakSeconds),
            deadlineTicks: ticks(deadlineSeconds),
            watchTicks: ticks(deadlineSeconds * Double(steps.count) + watchSeconds), excuseTicks: ticks(updateSeconds),
            mayAdvanceUnproven: isAfterProof)
    }

    /// Whether a part of the devices is to be held back and compared with during the watch.
    public var plansWatch: Bool { watchSeconds > 0 && holdbackShare > 0 }

    /// What the judge of the watch may spend, and when; the watch counts as one more step.
    ///
    /// - Parameter budget: what the rollout may spend in all, in 0...1; nil for the policy's error budget.
    public func watchPlan(budget: Double? = nil) -> TestPlan {
        let shares = TestPlan.shares(of: budget ?? errorBudget, step: testedParts, of: testedParts)
        return TestPlan.watch(
            share: shares.test, updateShare: shares.updates, ticks: ticks(watchSeconds),
            excuseTicks: ticks(updateSeconds))
    }

    /// Into how many parts the error budget is shared out.
    private var testedParts: Int { steps.count + (plansWatch ? 1 : 0) }

    private func ticks(_ seconds: Double) -> Int { Int((seconds / heartbeatSeconds).rounded(.up)) }
}
