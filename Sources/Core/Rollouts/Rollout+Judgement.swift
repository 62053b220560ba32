import CanaryAnalysis
public import Fleet

extension Rollout {
    /// A tick was judged.
    ///
    /// - Parameters:
    ///   - findings: one per drawn step, in the order of the steps; the last one decides about advancing, and any of
    ///     them may show harm.
    ///   - outage: a mass outage of devices, where there is one.
    ///   - readiness: how soak and gates of the last step stand; only a dry run looks at it.
    public mutating func tickJudged(
        _ findings: [StepFinding], outage: Grounds?, readiness: StepReadiness? = nil, at now: Timestamp
    ) -> [RolloutAction] {
        guard isJudged, findings.count == steps.count, let current = findings.last else { return [] }
        for index in steps.indices { steps[index].ticks += 1 }
        guard !isPlacebo else { return placeboJudged(findings, outage: outage, at: now) }
        guard !policy.dryRun else { return watched(findings, outage: outage, readiness: readiness, at: now) }
        for finding in findings {
            if case .rollback(let grounds) = finding { return rollBack(grounds, at: now) }
        }
        for finding in findings {
            guard case .halt(let grounds) = finding, state != .halted, !overruled.contains(FindingKey(grounds)) else {
                continue
            }
            return halt(grounds, at: now)
        }
        switch state {
        case .progressing, .holding: break
        case .halted, .watching, .pending, .rollingBack, .rolledBack, .completed, .superseded: return []
        }
        if let outage { return hold(outage, at: now) }
        for finding in findings.dropLast() {
            // Harm that an earlier step has proven lasts, whatever the later one says.
            if case .hold(let grounds) = finding, grounds.metric != nil {
                return overdue(at: now) ?? hold(grounds, at: now)
            }
        }
        return steered(by: current, at: now)
    }

    /// A tick of a dry run was judged: harm is said once and not acted on; soak and gates alone let a step advance.
    private mutating func watched(
        _ findings: [StepFinding], outage: Grounds?, readiness: StepReadiness?, at now: Timestamp
    ) -> [RolloutAction] {
        var actions: [RolloutAction] = []
        for finding in findings {
            switch finding {
            case .rollback(let grounds): actions += note(.rollback, grounds, at: now)
            case .halt(let grounds): actions += note(.halt, grounds, at: now)
            case .advance, .hold, .undecided, .noData: break
            }
        }
        switch state {
        case .progressing, .holding: break
        case .halted, .watching, .pending, .rollingBack, .rolledBack, .completed, .superseded: return actions
        }
        if let outage { return actions + hold(outage, at: now) }
        actions += resumeFromHold(at: now)
        guard !awaitsDraw else { return actions }
        switch readiness {
        case .ready:
            let grounds = Grounds(
                cause: .judge, reason: "dry_run",
                sentence: "dry run: soak and gates are met, the evidence decides nothing")
            return actions + advance(outcome: .dryRun, grounds, at: now)
        case .waiting(let grounds): waitFor(grounds.reason, grounds.sentence, at: now)
        case nil: break
        }
        return actions
    }

    private mutating func note(_ kind: DecisionKind, _ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        guard noted.insert(FindingKey(grounds)).inserted else { return [] }
        return [record(kind, grounds, dryRun: true, at: now)]
    }

    private mutating func steered(by finding: StepFinding, at now: Timestamp) -> [RolloutAction] {
        if case .noData(let grounds) = finding {
            let since = noDataSince ?? now
            noDataSince = since
            guard now.seconds(since: since) < policy.noDataSeconds else {
                return halt(
                    Grounds(
                        cause: .noData, reason: "no_data_limit",
                        sentence: "no guarded metric has had data for \(Int(policy.noDataSeconds)) s"), at: now)
            }
            return hold(grounds, at: now)
        }
        noDataSince = nil
        switch finding {
        case .advance where awaitsDraw, .undecided where awaitsDraw:
            // The step is decided already; the next one is drawn when time passes.
            return resumeFromHold(at: now)
        case .advance(let proven, let grounds):
            let unproven: RolloutStep.Outcome = currentStep?.method == .absolute ? .rulesKept : .notProvenHere
            return advance(outcome: proven ? .proven : unproven, grounds, at: now)
        case .hold(let grounds):
            return overdue(at: now) ?? hold(grounds, at: now)
        case .undecided(let grounds):
            if let overdue = overdue(at: now) { return overdue }
            let resumed = resumeFromHold(at: now)
            waitFor(grounds.reason, grounds.sentence, at: now)
            return resumed
        case .halt:
            // A person has gone on after it; the deadline asks again.
            return overdue(at: now) ?? []
        case .rollback, .noData:
            return []
        }
    }

    /// What the policy says about a step whose deadline has passed; nil before it.
    private mutating func overdue(at now: Timestamp) -> [RolloutAction]? {
        guard let step = currentStep, step.outcome == nil, now >= step.deadlineAt else { return nil }
        let grounds = Grounds(
            cause: .deadline, reason: "deadline_undecided",
            sentence: "step \(step.number) was undecided at its deadline of "
                + "\(Int(policy.deadlineSeconds(of: step.method))) s")
        switch policy.onDeadline {
        case .halt: return halt(grounds, at: now)
        case .rollback: return rollBack(grounds, at: now)
        case .hold: return hold(grounds, at: now)
        }
    }
}
