public import Fleet

/// The move of a deployment's devices from one version to another, in steps.
///
/// A pure state machine: one mutating function per event, named for what happened, which returns what to do. The
/// reasons for its decisions come in as ``StepFinding``; time comes in as an argument. Its surroundings hold it, call
/// it one event at a time, commit what it became and only then act.
///
/// This file is longer than others because every transition of the machine is in it.
public struct Rollout: Codable, Hashable, Sendable {
    /// The id.
    public let id: RolloutID
    /// The deployment whose version changed.
    public let deployment: DeploymentName
    /// The model.
    public let model: ModelName
    /// The version devices come from; nil for a first installation, which has nothing to be compared with.
    public let from: VersionReference?
    /// The version they move to.
    public let to: VersionReference
    /// The policy, frozen.
    public let policy: Policy
    /// The key of every draw of this rollout; fresh for each rollout, a retry too.
    public let salt: UInt64
    /// When it was declared.
    public let createdAt: Timestamp

    /// The state.
    public private(set) var state: RolloutState = .pending
    /// Why it waits, where it does.
    public private(set) var wait: RolloutWait?
    /// The steps drawn so far.
    public private(set) var steps: [RolloutStep] = []
    /// The devices drawn so far, and how far each is.
    public private(set) var members: [DeviceID: RolloutMember] = [:]
    /// How many decisions were recorded.
    public private(set) var decisions = 0
    /// When the first device ran the new version.
    public private(set) var firstExposedAt: Timestamp?
    /// When the version was given to every remaining device.
    public private(set) var promotedAt: Timestamp?
    /// When the rollback was decided.
    public private(set) var rolledBackAt: Timestamp?
    /// When a final state was reached.
    public private(set) var endedAt: Timestamp?
    /// Since when no guarded metric has had data.
    private var noDataSince: Timestamp?
    /// The finding that the rollout is halted by, and those that a person has gone on after.
    private var haltedBy: FindingKey?
    private var overruled: Set<FindingKey> = []
    /// What a dry run has said it would do.
    private var noted: Set<FindingKey> = []

    /// Declares a rollout.
    public init(
        id: RolloutID, deployment: Deployment, from: VersionReference?, to: VersionReference, policy: Policy,
        salt: UInt64, at now: Timestamp
    ) {
        self.id = id
        self.deployment = deployment.name
        model = deployment.model
        self.from = from
        self.to = to
        self.policy = policy
        self.salt = salt
        createdAt = now
    }

    // MARK: - Reading

    /// The step that is being judged for advancing, or the last one; nil before the first.
    public var currentStep: RolloutStep? { steps.last }

    /// True while the judge looks at the rollout: whenever somebody is or may be exposed and it was not taken back.
    public var isJudged: Bool {
        switch state {
        case .progressing, .holding, .halted, .watching: from != nil && !steps.isEmpty
        case .pending, .rollingBack, .rolledBack, .completed, .superseded: false
        }
    }

    /// True while the next step is still to be drawn because nobody was eligible for it.
    private var awaitsDraw: Bool {
        from != nil && promotedAt == nil && steps.count < policy.steps.count
            && (steps.last.map { $0.outcome != nil } ?? true)
    }

    /// How many devices run the new version, as far as is known.
    public var exposedCount: Int { members.values.count { $0.isExposed } }

    /// The devices with this progress, by id.
    public func members(where holds: (RolloutMember) -> Bool) -> [DeviceID] {
        members.filter { holds($0.value) }.keys.sorted()
    }

    // MARK: - Starting and drawing

    /// The deployment's surroundings are ready: the first step is to be drawn, or a first installation handed out.
    public mutating func started(at now: Timestamp) -> [RolloutAction] {
        guard state == .pending else { return [] }
        state = .progressing
        return from == nil ? install(at: now) : [.drawStep(1)]
    }

    /// A first installation goes to every device that has nothing yet.
    private mutating func install(at now: Timestamp) -> [RolloutAction] {
        waitFor(
            "first_installation",
            "a first installation goes to every device; there is no version to compare it with", at: now)
        return [.commandRest]
    }

    /// A step's eligible list was fixed and its cohort drawn from it.
    public mutating func stepDrawn(
        _ number: Int, cohort: [DeviceID], eligible: Int, at now: Timestamp
    ) -> [RolloutAction] {
        guard state == .progressing, number == steps.count + 1 else { return [] }
        steps.append(
            RolloutStep(
                number: number, startedAt: now, deadlineAt: now.adding(seconds: policy.deadlineSeconds),
                eligible: eligible, drawn: cohort.count))
        for device in cohort { members[device] = RolloutMember(step: number) }
        wait = nil
        noDataSince = nil
        return grants(at: now)
    }

    /// A step's list was empty: nobody runs the version devices come from and was seen lately.
    public mutating func stepFoundNobody(_ number: Int, at now: Timestamp) -> [RolloutAction] {
        guard state == .progressing, number == steps.count + 1 else { return [] }
        waitFor(
            "no_eligible_devices",
            "no device is eligible for step \(number): none runs \(from?.description ?? "a version") under this "
                + "deployment and was seen in the last 10 minutes; bring devices online or change the selector",
            at: now)
        return []
    }

    /// The remaining devices were told to run the new version; `devices` may be empty.
    public mutating func restCommanded(_ devices: [DeviceID], at now: Timestamp) -> [RolloutAction] {
        for device in devices { members[device] = RolloutMember(step: 0, progress: .commanded(at: now)) }
        return settled(at: now)
    }

    // MARK: - What devices do

    /// A device was heard to serve the new version.
    public mutating func deviceExposed(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        guard let member = members[device] else { return [] }
        switch member.progress {
        case .drawn, .commanded:
            members[device]?.progress = .exposed(at: now)
            if firstExposedAt == nil { firstExposedAt = now }
        case .exposed, .failed, .returning, .restored:
            return []
        }
        return grants(at: now) + settled(at: now)
    }

    /// A device could not run the new version, or left it by itself.
    public mutating func deviceFailed(_ device: DeviceID, reason: String, at now: Timestamp) -> [RolloutAction] {
        guard let member = members[device] else { return [] }
        switch member.progress {
        case .drawn, .commanded, .exposed:
            members[device]?.progress = .failed(reason: reason)
        case .failed, .returning, .restored:
            return []
        }
        return [.takeBack([device])] + grants(at: now) + settled(at: now)
    }

    /// A device was heard to serve another version than the new one, after it was told to return.
    public mutating func deviceRestored(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        guard members[device]?.progress == .returning else { return [] }
        members[device]?.progress = .restored
        return settled(at: now)
    }

    /// A device was retired: nobody waits for it any more.
    public mutating func deviceRetired(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        guard let member = members[device] else { return [] }
        switch member.progress {
        case .drawn, .commanded, .exposed: members[device]?.progress = .failed(reason: "retired")
        case .returning: members[device]?.progress = .restored
        case .failed, .restored: return []
        }
        return grants(at: now) + settled(at: now)
    }

    // MARK: - What the judge finds

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
            return advance(outcome: proven ? .proven : .notProvenHere, grounds, at: now)
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
            sentence: "step \(step.number) was undecided at its deadline of \(Int(policy.deadlineSeconds)) s")
        switch policy.onDeadline {
        case .halt: return halt(grounds, at: now)
        case .rollback: return rollBack(grounds, at: now)
        case .hold: return hold(grounds, at: now)
        }
    }

    /// Time passed: what depends on the clock alone is looked at (the end of the watch, a step that found nobody,
    /// devices that nobody can reach).
    ///
    /// - Parameter unreachable: devices that are offline; a rollback does not wait for them, they return on reconnect.
    public mutating func clockMoved(to now: Timestamp, unreachable: Set<DeviceID>) -> [RolloutAction] {
        switch state {
        case .rollingBack:
            return settled(at: now, unreachable: unreachable)
        case .progressing where from == nil:
            return settled(at: now, unreachable: unreachable)
        case .watching:
            guard let promotedAt, now.seconds(since: promotedAt) >= policy.watchSeconds else { return [] }
            state = .completed
            endedAt = now
            wait = nil
            return [.makeFallback, .commandRest]
        case .progressing where awaitsDraw:
            return [.drawStep(steps.count + 1)]
        case .pending, .progressing, .holding, .halted, .rolledBack, .completed, .superseded:
            return []
        }
    }

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
        var grounds = Grounds(cause: .person, reason: "ordered", sentence: reason)
        grounds.actor = actor
        switch (command, state) {
        case (.advance, _) where from == nil, (.promote, _) where from == nil, (.rollback, _) where from == nil:
            throw .firstInstallation(command)
        case (.advance, .progressing), (.advance, .holding), (.advance, .halted):
            goOn()
            state = .progressing
            return advance(outcome: .byPerson, grounds, at: now)
        case (.promote, .progressing), (.promote, .holding), (.promote, .halted):
            goOn()
            state = .progressing
            return promote(outcome: .byPerson, grounds, at: now)
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
        guard !state.isFinal, state != .rollingBack else { return [] }
        let wasPromoted = promotedAt != nil
        state = .superseded
        endedAt = now
        wait = nil
        guard !wasPromoted else { return [.makeFallback] }
        return takeBackAll()
    }

    // MARK: - Decisions

    private mutating func advance(
        outcome: RolloutStep.Outcome, _ grounds: Grounds, at now: Timestamp
    ) -> [RolloutAction] {
        guard steps.count < policy.steps.count, promotedAt == nil else {
            return promote(outcome: outcome, grounds, at: now)
        }
        let decision = record(.advance, grounds, at: now)
        endStep(outcome)
        state = .progressing
        wait = nil
        return [decision, .drawStep(steps.count + 1)]
    }

    private mutating func promote(
        outcome: RolloutStep.Outcome, _ grounds: Grounds, at now: Timestamp
    ) -> [RolloutAction] {
        let decision = record(.promote, grounds, at: now)
        endStep(outcome)
        state = .watching
        promotedAt = now
        wait = nil
        return [decision, .commandRest]
    }

    private mutating func hold(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
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

    private mutating func resumeFromHold(at now: Timestamp) -> [RolloutAction] {
        guard state == .holding else { return [] }
        state = .progressing
        let reason = wait?.reason ?? "hold"
        let grounds = Grounds(
            cause: .judge, reason: "hold_passed", sentence: "the reason to hold (\(reason)) has passed")
        return [record(.resume, grounds, at: now)] + grants(at: now)
    }

    private mutating func halt(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let decision = record(.halt, grounds, at: now)
        state = .halted
        haltedBy = FindingKey(grounds)
        waitFor(
            grounds.reason,
            grounds.sentence + "; a person decides: resume, advance, promote or rollback", at: now)
        return [decision]
    }

    private mutating func resume(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        goOn()
        let decision = record(.resume, grounds, at: now)
        state = promotedAt == nil ? .progressing : .watching
        wait = nil
        noDataSince = nil
        if from == nil { return [decision] + install(at: now) }
        if awaitsDraw { return [decision, .drawStep(steps.count + 1)] }
        if let last = steps.indices.last, now >= steps[last].deadlineAt {
            let step = steps[last]
            var renewed = RolloutStep(
                number: step.number, startedAt: step.startedAt,
                deadlineAt: now.adding(seconds: policy.deadlineSeconds), eligible: step.eligible, drawn: step.drawn)
            renewed.ticks = step.ticks
            steps[last] = renewed
        }
        return [decision] + grants(at: now)
    }

    /// A person has seen why the rollout is halted and goes on: the same harm does not halt it again.
    private mutating func goOn() {
        if state == .halted, let haltedBy, haltedBy.cause == .judge { overruled.insert(haltedBy) }
        haltedBy = nil
    }

    private mutating func rollBack(_ grounds: Grounds, at now: Timestamp) -> [RolloutAction] {
        let decision = record(.rollback, grounds, at: now)
        state = .rollingBack
        rolledBackAt = now
        promotedAt = nil
        wait = nil
        return [decision] + takeBackAll() + settled(at: now)
    }

    private mutating func takeBackAll() -> [RolloutAction] {
        let commanded = members { member in
            switch member.progress {
            case .commanded, .exposed: true
            case .drawn, .failed, .returning, .restored: false
            }
        }
        for device in commanded { members[device]?.progress = .returning }
        for device in members(where: { $0.progress == .drawn }) { members[device] = nil }
        return commanded.isEmpty ? [] : [.takeBack(commanded)]
    }

    // MARK: - Parts

    /// Tells drawn devices to update, as many as may be in the middle of it at once.
    private mutating func grants(at now: Timestamp) -> [RolloutAction] {
        guard state == .progressing else { return [] }
        let room = policy.concurrentUpdates - members.values.count { $0.isUpdating }
        guard room > 0 else { return [] }
        let granted = Array(members { $0.progress == .drawn }.prefix(room))
        for device in granted { members[device]?.progress = .commanded(at: now) }
        return granted.isEmpty ? [] : [.command(granted)]
    }

    /// Reaches a final state when nobody is on the way any more.
    private mutating func settled(at now: Timestamp, unreachable: Set<DeviceID> = []) -> [RolloutAction] {
        func isAwaited(_ holds: (RolloutMember) -> Bool) -> Bool {
            members.contains { holds($0.value) && !unreachable.contains($0.key) }
        }
        switch state {
        case .rollingBack:
            guard !isAwaited({ $0.progress == .returning }) else { return [] }
            state = .rolledBack
            endedAt = now
            return []
        case .progressing where from == nil:
            // A version that nobody could run is not settled: the next one has nothing to be compared with either.
            guard exposedCount > 0, !isAwaited({ $0.isUpdating }) else { return [] }
            state = .completed
            promotedAt = now
            endedAt = now
            wait = nil
            return []
        case .pending, .progressing, .holding, .halted, .watching, .rolledBack, .completed, .superseded:
            return []
        }
    }

    private mutating func endStep(_ outcome: RolloutStep.Outcome) {
        guard let last = steps.indices.last, steps[last].outcome == nil else { return }
        steps[last].outcome = outcome
    }

    private mutating func waitFor(_ reason: String, _ sentence: String, at now: Timestamp) {
        let since = wait.map { $0.reason == reason ? $0.since : now } ?? now
        wait = RolloutWait(reason: reason, sentence: sentence, since: since)
    }

    private mutating func record(
        _ kind: DecisionKind, _ grounds: Grounds, dryRun: Bool = false, at now: Timestamp
    ) -> RolloutAction {
        decisions += 1
        var decision = Decision(
            number: decisions, kind: kind, cause: grounds.cause, reason: grounds.reason, sentence: grounds.sentence,
            step: max(1, steps.count), tick: grounds.actor == nil ? currentStep?.ticks : nil, at: now,
            actor: grounds.actor, exposedDevices: exposedCount)
        decision.metric = grounds.metric
        decision.metricKind = grounds.metricKind
        decision.test = grounds.test
        decision.evidence = grounds.evidence
        decision.bound = grounds.bound
        decision.effect = grounds.effect
        decision.dryRun = dryRun
        return .record(decision)
    }
}

/// What tells one finding from another, so that each is said and answered once.
private struct FindingKey: Codable, Hashable, Sendable {
    let cause: DecisionCause
    let reason: String
    let metric: String?

    init(_ grounds: Grounds) {
        cause = grounds.cause
        reason = grounds.reason
        metric = grounds.metric
    }
}
