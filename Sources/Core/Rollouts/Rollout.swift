public import CanaryAnalysis
public import Fleet

/// The move of a deployment's devices from one version to another, in steps.
///
/// A pure state machine: one mutating function per event, named for what happened, which returns what to do. The
/// reasons for its decisions come in as ``StepFinding``; time comes in as an argument. Its surroundings hold it, call
/// it one event at a time, commit what it became and only then act.
///
/// Here is what happens to devices and with time. What follows from a judgement is in `Rollout+Judgement.swift`; the
/// decisions, and the commands by which people make them, are in `Rollout+Decisions.swift`. Nothing else changes it.
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
    /// What it may spend of the policy's error budget; nil for all of it, in what was stored before budgets were kept.
    public let budget: RolloutBudget?
    /// The canaries of its first step, where a person picked them; nil where they are drawn.
    public internal(set) var canaries: PickedCanaries?
    /// The key of every draw of this rollout; fresh for each rollout, a retry too.
    public let salt: UInt64
    /// When it was declared.
    public let createdAt: Timestamp

    /// The state.
    public internal(set) var state: RolloutState = .pending
    /// Why it waits, where it does.
    public internal(set) var wait: RolloutWait?
    /// The steps drawn so far.
    public internal(set) var steps: [RolloutStep] = []
    /// The devices drawn so far, and how far each is.
    public internal(set) var members: [DeviceID: RolloutMember] = [:]
    /// How many decisions were recorded.
    public internal(set) var decisions = 0
    /// When the first device ran the new version.
    public internal(set) var firstExposedAt: Timestamp?
    /// When the version was given to every remaining device.
    public internal(set) var promotedAt: Timestamp?
    /// What judges the watch, and with which guarantee; nil before the promotion.
    public internal(set) var guarantee: WatchGuarantee?
    /// The devices that keep the old version during the watch; nil where none is held back.
    public internal(set) var heldBack: Set<DeviceID>?
    /// When the rollback was decided.
    public internal(set) var rolledBackAt: Timestamp?
    /// When a final state was reached.
    public internal(set) var endedAt: Timestamp?
    /// What makes it a placebo; nil for a rollout of another version.
    public internal(set) var placebo: Placebo?
    /// Who declared it; nil in what was stored before authors were kept.
    public internal(set) var author: String?
    /// Who approved that it starts; nil for nobody.
    public internal(set) var approvals: [Approval]?
    /// When retention removed its evidence; nil while it is kept.
    public internal(set) var evidenceRemovedAt: Timestamp?
    /// Since when no guarded metric has had data.
    var noDataSince: Timestamp?
    /// The finding that the rollout is halted by, and those that a person has gone on after.
    var haltedBy: FindingKey?
    var overruled: Set<FindingKey> = []
    /// What a dry run has said it would do.
    var noted: Set<FindingKey> = []

    /// Declares a rollout; without a budget it has its policy's.
    public init(
        id: RolloutID, deployment: Deployment, from: VersionReference?, to: VersionReference, policy: Policy,
        budget: RolloutBudget? = nil, author: String? = nil, salt: UInt64, at now: Timestamp
    ) {
        self.author = author
        self.id = id
        self.deployment = deployment.name
        model = deployment.model
        self.from = from
        self.to = to
        self.policy = policy
        self.budget = budget ?? RolloutBudget(share: policy.errorBudget)
        canaries = deployment.canaries
        self.salt = salt
        createdAt = now
    }

    // MARK: - Reading

    /// The step that is being judged for advancing, or the last one, or the watch; nil before the first.
    public var currentStep: RolloutStep? { steps.last }

    /// How many steps of the policy were drawn.
    public var drawnSteps: Int { steps.count { $0.kind == .step } }

    /// True while the judge looks at the rollout: whenever somebody is or may be exposed and it was not taken back.
    public var isJudged: Bool {
        switch state {
        case .progressing, .holding, .halted, .watching: from != nil && !steps.isEmpty
        case .pending, .rollingBack, .rolledBack, .completed, .superseded: false
        }
    }

    /// True while the next step is still to be drawn because nobody was eligible for it.
    var awaitsDraw: Bool {
        from != nil && promotedAt == nil && steps.count < plannedSteps && (steps.last.map { $0.outcome != nil } ?? true)
    }

    /// True where the fleet is too small for any test: it goes on one device at a time, judged by absolute rules.
    public var isJudgedByRules: Bool { steps.first?.method == .absolute }

    /// How many steps are planned: those of the policy, or one for each device where absolute rules judge.
    public var plannedSteps: Int {
        guard isJudgedByRules, let last = steps.last(where: { $0.kind == .step }) else { return policy.steps.count }
        return last.number - 1 + last.eligible
    }

    /// How many devices run the new version, as far as is known.
    public var exposedCount: Int { members.values.count { $0.isExposed } }

    /// The devices with this progress, by id.
    public func members(where holds: (RolloutMember) -> Bool) -> [DeviceID] {
        members.filter { holds($0.value) }.keys.sorted()
    }

    // MARK: - Retention

    /// Its evidence was removed, because it is kept no longer; the decisions stay.
    public mutating func evidenceRemoved(at now: Timestamp) {
        guard state.isFinal, evidenceRemovedAt == nil else { return }
        evidenceRemovedAt = now
    }

    // MARK: - Starting and drawing

    /// The deployment's surroundings are ready: the first step is to be drawn, or a first installation handed out,
    /// once everybody who must approve it has.
    public mutating func started(at now: Timestamp) -> [RolloutAction] {
        guard state == .pending else { return [] }
        guard approvalsMissing == 0 else {
            awaitApproval(at: now)
            return []
        }
        state = .progressing
        return from == nil ? install(at: now) : [.drawStep(1)]
    }

    /// A first installation goes to every device that has nothing yet.
    mutating func install(at now: Timestamp) -> [RolloutAction] {
        waitFor(
            "first_installation",
            "a first installation goes to every device; there is no version to compare it with", at: now)
        return [.commandRest]
    }

    /// A step's eligible list was fixed and its cohort drawn from it.
    ///
    /// - Parameter method: how the step will be judged; by absolute rules only where the whole rollout is.
    public mutating func stepDrawn(
        _ number: Int, cohort: [DeviceID], eligible: Int, method: TestPlan.Method = .draw, at now: Timestamp
    ) -> [RolloutAction] {
        guard state == .progressing, number == steps.count + 1 else { return [] }
        steps.append(
            RolloutStep(
                number: number, startedAt: now,
                deadlineAt: now.adding(seconds: policy.deadlineSeconds(of: method)), eligible: eligible,
                drawn: cohort.count, method: method))
        for device in cohort { members[device] = RolloutMember(step: number) }
        wait = nil
        noDataSince = nil
        return grants(at: now)
    }

    /// A step's list was empty: nobody runs the version devices come from and was seen lately.
    ///
    /// - Parameter left: how many devices the version has still to reach, seen lately or not; where there are none, and
    ///   the steps before were decided, the rollout has come to its end.
    public mutating func stepFoundNobody(_ number: Int, left: Int, at now: Timestamp) -> [RolloutAction] {
        guard state == .progressing, number == steps.count + 1 else { return [] }
        if left == 0, let last = steps.last, let outcome = last.outcome {
            var grounds = Grounds(
                cause: .judge, reason: "everyone_drawn",
                sentence: "the steps before have drawn every device and were decided; nobody is left for step \(number)"
            )
            grounds.isBetweenTicks = true
            return promote(outcome: outcome, grounds, at: now)
        }
        if number == 1, let canaries {
            waitFor(
                "no_eligible_devices",
                "the picked canaries (\(canaries)) leave nothing to judge for step 1: one of them and one other device "
                    + "must run \(from?.description ?? "a version") under this deployment and have been seen in the "
                    + "last 10 minutes; bring devices online", at: now)
            return []
        }
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
        devicesHeard(exposed: [device], restored: [], at: now)
    }

    /// Devices were heard to serve the new version, or another one after they were told to return; what follows is
    /// looked at once for all of them.
    ///
    /// - Complexity: of one look at all members, however many devices were heard.
    public mutating func devicesHeard(
        exposed: [DeviceID], restored: [DeviceID], at now: Timestamp
    ) -> [RolloutAction] {
        var isExposed = false
        for device in exposed {
            switch members[device]?.progress {
            case .drawn, .commanded, .unseen:
                members[device]?.progress = .exposed(at: now)
                isExposed = true
            case .exposed, .failed, .returning, .restored, nil: continue
            }
        }
        if isExposed, firstExposedAt == nil { firstExposedAt = now }
        let returned = restored.filter { members[$0]?.progress == .returning }
        for device in returned { members[device]?.progress = .restored }
        guard isExposed || !returned.isEmpty else { return [] }
        return (isExposed ? grants(at: now) : []) + settled(at: now)
    }

    /// A device could not run the new version, or left it by itself.
    public mutating func deviceFailed(_ device: DeviceID, reason: String, at now: Timestamp) -> [RolloutAction] {
        guard let member = members[device] else { return [] }
        switch member.progress {
        case .drawn, .commanded, .exposed, .unseen:
            members[device]?.progress = .failed(reason: reason)
        case .failed, .returning, .restored:
            return []
        }
        return [.takeBack([device])] + grants(at: now) + settled(at: now)
    }

    /// A device was heard to serve another version than the new one, after it was told to return.
    public mutating func deviceRestored(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        devicesHeard(exposed: [], restored: [device], at: now)
    }

    /// A device was retired: nobody waits for it any more.
    public mutating func deviceRetired(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        guard let member = members[device] else { return [] }
        switch member.progress {
        case .drawn, .commanded, .exposed, .unseen: members[device]?.progress = .failed(reason: "retired")
        case .returning: members[device]?.progress = .restored
        case .failed, .restored: return []
        }
        return grants(at: now) + settled(at: now)
    }

    /// A device may get no new version for now: if it was drawn and not told yet, it is drawn no more.
    public mutating func deviceSetAside(_ device: DeviceID, at now: Timestamp) -> [RolloutAction] {
        guard members[device]?.progress == .drawn else { return [] }
        members[device] = nil
        return grants(at: now)
    }

    // MARK: - What time brings

    /// Time passed: what depends on the clock alone is looked at (the end of the watch, a step that found nobody,
    /// devices that nobody can reach).
    ///
    /// - Parameter unreachable: devices that are offline; a rollback does not wait for them, they return on reconnect.
    public mutating func clockMoved(to now: Timestamp, unreachable: Set<DeviceID>) -> [RolloutAction] {
        guard !isPlacebo else { return placeboClockMoved(to: now) }
        switch state {
        case .rollingBack:
            return settled(at: now, unreachable: unreachable)
        case .progressing where from == nil:
            return settled(at: now, unreachable: unreachable)
        case .watching:
            guard let promotedAt, now.seconds(since: promotedAt) >= policy.watchSeconds else { return [] }
            return endWatch(at: now)
        case .progressing where awaitsDraw:
            return [.drawStep(steps.count + 1)]
        case .pending, .progressing, .holding, .halted, .rolledBack, .completed, .superseded:
            return []
        }
    }

    // MARK: - Parts

    /// Tells drawn devices to update, as many as may be in the middle of it at once.
    mutating func grants(at now: Timestamp) -> [RolloutAction] {
        guard state == .progressing else { return [] }
        let room = policy.concurrentUpdates - members.values.count { $0.isUpdating }
        guard room > 0 else { return [] }
        let granted = Array(members { $0.progress == .drawn }.prefix(room))
        for device in granted { members[device]?.progress = .commanded(at: now) }
        return granted.isEmpty ? [] : [.command(granted)]
    }

    /// Reaches a final state when nobody is on the way any more.
    mutating func settled(at now: Timestamp, unreachable: Set<DeviceID> = []) -> [RolloutAction] {
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

    mutating func endStep(_ outcome: RolloutStep.Outcome) {
        guard let last = steps.indices.last, steps[last].outcome == nil else { return }
        steps[last].outcome = outcome
    }

    mutating func waitFor(_ reason: String, _ sentence: String, at now: Timestamp) {
        let since = wait.map { $0.reason == reason ? $0.since : now } ?? now
        wait = RolloutWait(reason: reason, sentence: sentence, since: since)
    }

    mutating func record(
        _ kind: DecisionKind, _ grounds: Grounds, dryRun: Bool = false, at now: Timestamp
    ) -> RolloutAction {
        decisions += 1
        var decision = Decision(
            number: decisions, kind: kind, cause: grounds.cause, reason: grounds.reason, sentence: grounds.sentence,
            step: max(1, steps.count), tick: grounds.actor == nil && !grounds.isBetweenTicks ? currentStep?.ticks : nil,
            at: now,
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
struct FindingKey: Codable, Hashable, Sendable {
    let cause: DecisionCause
    let reason: String
    let metric: String?

    init(_ grounds: Grounds) {
        cause = grounds.cause
        reason = grounds.reason
        metric = grounds.metric
    }
}
