public import Fleet

extension Rollout {
    /// Declares a placebo rollout of the version that a deployment's devices run: its first step alone, with that
    /// step's part of the error budget.
    public init(
        placebo id: RolloutID, of version: VersionReference, deployment: Deployment, policy: Policy, salt: UInt64,
        at now: Timestamp
    ) {
        self.init(
            id: id, deployment: deployment, from: version, to: version, policy: policy, salt: salt, at: now)
        placebo = Placebo()
        // It measures the draw that judges, whoever picks canaries for a new version.
        canaries = nil
    }

    /// Whether devices install the version they run once more.
    public var isPlacebo: Bool { placebo != nil }

    /// A tick of a placebo rollout was judged: the first thing that the evidence shows ends it.
    mutating func placeboJudged(
        _ findings: [StepFinding], outage: Grounds?, at now: Timestamp
    ) -> [RolloutAction] {
        for finding in findings {
            switch finding {
            case .rollback(let grounds):
                return placeboEnded(.falseRollback, by: .rollback, grounds, at: now)
            case .halt(let grounds):
                return placeboEnded(.falseHalt, by: .halt, grounds, at: now)
            case .advance(_, let grounds) where outage == nil:
                return placeboEnded(.passed, by: .advance, grounds, at: now)
            case .advance(_, let grounds), .hold(let grounds), .undecided(let grounds), .noData(let grounds):
                let reason = outage ?? grounds
                waitFor(reason.reason, reason.sentence, at: now)
            }
        }
        return []
    }

    /// Time passed for a placebo rollout: it never outlasts the deadline of its step.
    mutating func placeboClockMoved(to now: Timestamp) -> [RolloutAction] {
        guard !state.isFinal else { return [] }
        let deadline = currentStep?.deadlineAt ?? createdAt.adding(seconds: policy.deadlineSeconds)
        guard now < deadline else { return placeboEnded(.undecided, at: now) }
        return awaitsDraw ? [.drawStep(1)] : []
    }

    /// A placebo rollout makes way: for a rollout of another version, or because it is not wanted any more.
    public mutating func placeboWithdrawn(at now: Timestamp) -> [RolloutAction] {
        guard isPlacebo, !state.isFinal else { return [] }
        return placeboEnded(.superseded, at: now)
    }

    /// What a decision would have been is recorded as in a dry run: there is nothing to take back or to go on with.
    private mutating func placeboEnded(
        _ outcome: Placebo.Outcome, by kind: DecisionKind, _ grounds: Grounds, at now: Timestamp
    ) -> [RolloutAction] {
        var grounds = grounds
        grounds.sentence = "placebo, both arms run the same version and nothing is done: \(grounds.sentence)"
        return [record(kind, grounds, dryRun: true, at: now)] + placeboEnded(outcome, at: now)
    }

    private mutating func placeboEnded(_ outcome: Placebo.Outcome, at now: Timestamp) -> [RolloutAction] {
        placebo?.outcome = outcome
        state = outcome == .superseded ? .superseded : .completed
        endedAt = now
        wait = nil
        let commanded = members { $0.isUpdating || $0.isExposed }
        return commanded.isEmpty ? [] : [.takeBack(commanded)]
    }
}
