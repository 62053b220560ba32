public import CanaryAnalysis

extension Policy {
    /// Steps whose first one is so many percent of the devices, followed by the policy's larger ones.
    ///
    /// - Parameter percent: above 0 and at most 100.
    public func steps(startingWith percent: Double) -> [StepSize] {
        let larger = steps.filter { step in
            if case .percent(let share) = step { share > percent } else { false }
        }
        return [.percent(percent)] + larger
    }

    /// How many devices a step draws from its list: up to the step's size on top of those drawn before; a step for
    /// everybody leaves some to be compared with.
    ///
    /// - Parameters:
    ///   - step: the step, counted from 1.
    ///   - before: devices that earlier steps drew.
    ///   - listed: devices on the step's list, at least 1.
    public func cohortSize(step: Int, drawnBefore before: Int, listed: Int) -> Int {
        let wanted = steps[step - 1].count(of: before + listed) - before
        guard wanted >= listed else { return max(1, wanted) }
        return max(1, listed - CohortDraw.comparison(of: before + listed, listed: listed))
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

    /// How the judge of a step of one device goes on, where absolute rules judge.
    public var rulesPlan: TestPlan {
        var plan = testPlan(step: 1, isAfterProof: false)
        plan.soakTicks = ticks(smallFleetSoakSeconds)
        plan.deadlineTicks = ticks(deadlineSeconds(of: .absolute))
        plan.watchTicks = max(plan.watchTicks, plan.deadlineTicks + ticks(watchSeconds))
        plan.method = .absolute
        plan.devicesNeeded = devicesNeeded
        return plan
    }

    /// The time after which an undecided step is given to a person, in seconds; where absolute rules judge it counts
    /// from the end of their soak.
    public func deadlineSeconds(of method: TestPlan.Method) -> Double {
        switch method {
        case .draw, .model: deadlineSeconds
        case .absolute: smallFleetSoakSeconds + deadlineSeconds
        }
    }

    /// Whether no test can serve a rollout, whatever its first step.
    ///
    /// Its list has fewer devices than the policy asks for, or so few units that no cohort of it could reach the
    /// bounds; half of a list can be drawn in the most ways.
    ///
    /// - Parameters:
    ///   - devices: devices on the first step's list.
    ///   - units: how many units they are. What they are parted into for the draw does not matter: a part has twenty
    ///     at least, of which half can be drawn in 184,756 ways, and no error budget asks for so many.
    ///   - budget: what the rollout may spend in all, in 0...1; nil for the policy's error budget.
    public func isTooSmall(devices: Int, units: Int, budget: Double? = nil) -> Bool {
        devices < smallFleetDevices || !canDecide(canaries: units / 2, of: units, budget: budget)
    }

    /// The smallest list on which a test can serve the first step as the policy has it; nil where it would take
    /// thousands, or where devices are not drawn one by one.
    public var devicesNeeded: Int? {
        guard unitLabel == nil else { return nil }
        return (max(1, smallFleetDevices)...5_000).first { listed in
            canDecide(canaries: cohortSize(step: 1, drawnBefore: 0, listed: listed), of: listed)
        }
    }

    /// The smallest first step, in units, that a test can serve on a list of so many; nil where none is.
    public func firstStepNeeded(units: Int) -> Int? {
        units > 1 ? (1...units / 2).first { canDecide(canaries: $0, of: units) } : nil
    }

    /// Whether the first step's test could decide anything with so many canaries.
    private func canDecide(canaries: Int, of listed: Int, budget: Double? = nil) -> Bool {
        ForecastStep(
            devices: listed, canaries: canaries, plan: testPlan(step: 1, isAfterProof: false, budget: budget),
            margin: .relative(1)
        ).canDecide
    }
}
