public import Fleet

extension Rollout {
    // MARK: - What people order

    /// A person gave a command.
    ///
    /// `retry` makes a new rollout and is not for this machine.
    ///
    /// - Throws: ``CommandRefusal`` where the command makes no sense now.
    public mutating func commanded(
        _ command: RolloutCommand, by actor: String, reason: String, at now: Timestamp
    ) throws(CommandRefusal) -> [RolloutAction] {
        guard !state.isFinal else { throw .ended(command, state) }
        guard !isPlacebo else { throw .placebo(command) }
        var grounds = Grounds(cause: .person, reason: "ordered", sentence: reason)
        grounds.actor = actor
        switch (command, state) {
        case (.advance, _) where from == nil, (.promote, _) where from == nil, (.rollback, _) where from == nil:
            throw .firstInstallation(command)
        case (.advance, _) where approvalsMissing > 0, (.promote, _) where approvalsMissing > 0:
            throw .notApproved(command, missing: approvalsMissing)
        case (.advance, .progressing), (.advance, .holding), (.advance, .halted):
            let repeated = goOn(at: now)
            state = .progressing
            return advance(outcome: .byPerson, grounds, at: now) + repeated
        case (.promote, .progressing), (.promote, .holding), (.promote, .halted):
            let repeated = goOn(at: now)
            state = .progressing
            return promote(outcome: .byPerson, grounds, at: now) + repeated
        case (.halt, .progressing), (.halt, .holding), (.halt, .pending):
            return halt(grounds, at: now)
        case (.resume, .halted), (.resume, .holding):
            return resume(grounds, at: now)
        case (.rollback, .progressing), (.rollback, .holding), (.rollback, .halted), (.rollback, .watching):
            return rollBack(grounds, at: now)
        case (.advance, _), (.promote, _), (.halt, _), (.resume, _), (.rollback, _), (.retry, _):
            throw .wrongState(command, state, remedy: Self.remedy(for: command))
        }
    }

    private static func remedy(for command: RolloutCommand) -> String {
        switch command {
        case .advance, .promote: "it needs a rollout that is progressing, holding or halted"
        case .halt: "it needs a rollout that is pending, progressing or holding"
        case .resume: "it needs a rollout that is halted or holding"
        case .rollback: "it needs a rollout that is progressing, holding, halted or watching"
        case .retry: "it needs a rollout that was rolled back"
        }
    }

    /// The deployment wants another version: this rollout ends, and devices return unless it was promoted.
    public mutating func superseded(by version: VersionReference, at now: Timestamp) -> [RolloutAction] {
        guard !isPlacebo else { return placeboWithdrawn(at: now) }
        guard !state.isFinal, state != .rollingBack else { return [] }
        let wasPromoted = promotedAt != nil
        state = .superseded
        endedAt = now
        wait = nil
        // Whoever was held back stays where it is: the next version may be the one it runs.
        heldBack = nil
        guard !wasPromoted else { return [.makeFallback] }
        return takeBackAll()
    }

    // MARK: - Decisions

    mutating func advance(
        outcome: RolloutStep.Outcome, _ grounds: Grounds, at now: Timestamp
    ) -> [RolloutAction] {
        guard steps.count < plannedSteps, promotedAt == nil else {
            return promote(outcome: outcome, grounds, at: now)
        }
        let decision = record(.advance, grounds, at: now)
        endStep(outcome)
        state = .progressing
        wait = nil
        return [decision, .drawStep(steps.count + 1)]
    }

    mutating func promote(
        outcome: RolloutStep.Outcome, _ grounds: Grounds, at now: Timestamp
    ) -> [RolloutAction] {
        let decision = record(.promote, grounds, at: now)
        endStep(outcome)
        state = .watching
        wait = nil
        guard promotedAt == nil else { return [decision, .commandRest] }
        promotedAt = now
        return [decision] + startWatch()
    }

    mutating func hold(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let isNew = state != .holding || wait?.reason != grounds.reason
        guard isNew else {
            waitFor(grounds.reason, grounds.sentence, at: now)
            return []
        }
        let decision = record(.hold, grounds, at: now)
        state = .holding
        waitFor(grounds.reason, grounds.sentence, at: now)
        return [decision]
    }

    mutating func resumeFromHold(at now: Timestamp) -> [RolloutAction] {
        guard state == .holding else { return [] }
        state = .progressing
        let reason = wait?.reason ?? "hold"
        let grounds = Grounds(
            cause: .judge, reason: "hold_passed", sentence: "the reason to hold (\(reason)) has passed")
        return [record(.resume, grounds, at: now)] + grants(at: now)
    }

    mutating func halt(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let decision = record(.halt, grounds, at: now)
        state = .halted
        haltedBy = FindingKey(grounds)
        waitFor(
            grounds.reason,
            grounds.sentence + "; a person decides: resume, "
                + (promotedAt == nil ? "advance, promote or rollback" : "or rollback"), at: now)
        return [decision]
    }

    private mutating func resume(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let repeated = goOn(at: now)
        let decision = record(.resume, grounds, at: now)
        guard approvalsMissing == 0 else {
            state = .pending
            awaitApproval(at: now)
            return [decision]
        }
        state = promotedAt == nil ? .progressing : .watching
        wait = nil
        noDataSince = nil
        if from == nil { return [decision] + install(at: now) }
        if awaitsDraw { return [decision] + repeated + [.drawStep(steps.count + 1)] }
        if promotedAt == nil, let last = steps.indices.last, now >= steps[last].deadlineAt {
            steps[last].deadlineAt = now.adding(seconds: policy.deadlineSeconds(of: steps[last].method))
            steps[last].outcome = nil
        }
        return [decision] + repeated + grants(at: now)
    }

    /// A person has seen why the rollout is halted and goes on: the same harm does not halt it again.
    private mutating func goOn(at now: Timestamp) -> [RolloutAction] {
        if state == .halted, let haltedBy, haltedBy.cause == .judge { overruled.insert(haltedBy) }
        haltedBy = nil
        return repeatUnseen(at: now)
    }

    mutating func rollBack(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let decision = record(.rollback, grounds, at: now)
        state = .rollingBack
        rolledBackAt = now
        promotedAt = nil
        heldBack = nil
        wait = nil
        return [decision] + takeBackAll() + settled(at: now)
    }

    mutating func takeBackAll() -> [RolloutAction] {
        let commanded = members { member in
            switch member.progress {
            case .commanded, .exposed, .unseen: true
            case .drawn, .failed, .returning, .restored: false
            }
        }
        for device in commanded { members[device]?.progress = .returning }
        for device in members(where: { $0.progress == .drawn }) { members[device] = nil }
        return commanded.isEmpty ? [] : [.takeBack(commanded)]
    }
}
