import CanaryAnalysis
import Fleet
import Rollouts
import WireFormat

/// What applying a deployment means for rollouts.
enum RolloutStart {
    /// A rollout was started.
    case started(RolloutID)
    /// One to that version is under way.
    case running(RolloutID)
    /// The devices run it already.
    case settled
    /// It was rolled back before; only `retry` starts it again.
    case rolledBackBefore(RolloutID)
}

extension FleetDraft {
    // MARK: - Starting

    /// Starts a rollout where a deployment's wanted version is not the one its devices run.
    mutating func startRolloutIfNeeded(
        _ deployment: Deployment, to wanted: VersionReference, by author: String, salt: UInt64
    ) -> RolloutStart {
        let history = state.rollouts(of: deployment.name).filter { !$0.rollout.isPlacebo }
        if let active = history.last(where: { !$0.rollout.state.isFinal })?.rollout {
            if active.to == wanted { return .running(active.id) }
            change(active.id) { rollout, now in rollout.superseded(by: wanted, at: now) }
        }
        let settled = state.settledVersion(of: deployment.name)
        guard settled != wanted else { return .settled }
        if let failed = history.last(where: { $0.rollout.to.digest == wanted.digest })?.rollout,
            failed.rolledBackAt != nil
        {
            return .rolledBackBefore(failed.id)
        }
        return .started(startRollout(deployment, from: settled, to: wanted, by: author, salt: salt))
    }

    /// Starts a rolled-back version again, because a person wants it.
    mutating func retry(_ failed: Rollout, by author: String, salt: UInt64) throws -> RolloutID {
        guard failed.state == .rolledBack, let deployment = state.deployments[failed.deployment] else {
            throw Problem.conflict(
                "not_rolled_back", "rollout \(failed.id) is \(failed.state.rawValue); only a rolled-back one is retried"
            )
        }
        guard deployment.version == failed.to.name,
            state.activeRollout(of: deployment.name)?.rollout.isPlacebo ?? true
        else {
            throw Problem.conflict(
                "not_wanted",
                "deployment \(deployment.name) wants \(deployment.version) now; apply it with \(failed.to.name) first")
        }
        return startRollout(
            deployment, from: state.settledVersion(of: deployment.name), to: failed.to, isRetry: true, by: author,
            salt: salt)
    }

    private mutating func startRollout(
        _ deployment: Deployment, from: VersionReference?, to: VersionReference, isRetry: Bool = false,
        by author: String, salt: UInt64
    ) -> RolloutID {
        withdrawPlacebo(of: deployment.name)
        let earlier = state.rollouts(of: deployment.name).map(\.rollout).filter { !$0.isPlacebo }
        let policy = state.policy(for: deployment) ?? FleetState.standardPolicy
        let budget = RolloutBudget(of: policy.errorBudget, for: to.digest, after: earlier, isRetry: isRetry)
        let rollout = Rollout(
            id: nextRolloutID(of: deployment.name), deployment: deployment, from: from, to: to, policy: policy,
            budget: budget, author: author, salt: salt, at: now)
        if rollout.approvalsMissing > 0 {
            audit(
                author, "rollout.propose", "rollout/\(rollout.id)",
                ["version": to.name.rawValue, "approvals": "\(rollout.approvalsMissing)"])
        }
        return start(rollout, of: deployment)
    }

    func nextRolloutID(of deployment: DeploymentName) -> RolloutID {
        guard let id = RolloutID(rawValue: "\(deployment)-\(state.rollouts(of: deployment).count + 1)") else {
            preconditionFailure("a deployment's name and a number make a rollout id")
        }
        return id
    }

    mutating func start(_ rollout: Rollout, of deployment: Deployment) -> RolloutID {
        put(TrackedRollout(rollout, decisions: []), was: nil)
        touch(state.devices(of: deployment).map(\.id))
        change(rollout.id) { rollout, now in rollout.started(at: now) }
        return rollout.id
    }

    // MARK: - Changing

    /// Lets an event happen to a rollout and carries out what it asks for, until it asks for nothing more.
    mutating func change(_ id: RolloutID, _ event: (inout Rollout, Timestamp) throws -> [RolloutAction]) rethrows {
        guard var tracked = state.rollouts[id] else { return }
        let before = tracked.rollout
        var queue = try event(&tracked.rollout, now)
        keep(tracked, was: before)
        while !queue.isEmpty {
            let action = queue.removeFirst()
            queue.append(contentsOf: carryOut(action, of: id))
        }
    }

    /// Lets an event happen to every rollout that is not over.
    mutating func eachActiveRollout(_ event: (inout Rollout, Timestamp) -> [RolloutAction]) {
        for id in state.rollouts.keys.sorted() where state.rollouts[id]?.rollout.state.isFinal == false {
            change(id, event)
        }
    }

    private mutating func keep(_ tracked: TrackedRollout, was before: Rollout) {
        guard tracked.rollout != before else { return }
        put(tracked, was: before)
        if tracked.rollout.state.isFinal != before.state.isFinal, let deployment = state.deployments[before.deployment]
        {
            touch(state.devices(of: deployment).map(\.id))
        }
    }

    private mutating func carryOut(_ action: RolloutAction, of id: RolloutID) -> [RolloutAction] {
        guard var tracked = state.rollouts[id] else { return [] }
        let before = tracked.rollout
        var following: [RolloutAction] = []
        switch action {
        case .record(let decision):
            tracked.decisions.append(decision)
            state.rollouts[id] = tracked
            put(decision, of: tracked.rollout)
        case .drawStep(let number):
            following = draw(step: number, of: &tracked)
            keep(tracked, was: before)
        case .drawWatch:
            following = drawWatch(of: &tracked)
            keep(tracked, was: before)
        case .command(let devices) where before.isPlacebo: reinstall(on: devices, for: before)
        case .takeBack(let devices) where before.isPlacebo: leave(devices, to: before)
        case .command(let devices):
            let isAgain = isRepeated(tracked.rollout)
            for device in devices { assign(tracked.rollout.to, to: device, of: tracked.rollout, onPurpose: isAgain) }
        case .takeBack(let devices):
            // What it leaves is worse than what failed on it long ago.
            for device in devices { assign(tracked.rollout.from, to: device, of: tracked.rollout, onPurpose: true) }
        case .commandRest:
            let rest = tracked.rollout.from == nil ? state.freshDevices(for: tracked.rollout) : state.rest(of: tracked)
            let isAgain = isRepeated(tracked.rollout)
            for device in rest { assign(tracked.rollout.to, to: device, of: tracked.rollout, onPurpose: isAgain) }
            following = tracked.rollout.restCommanded(rest, at: now)
            keep(tracked, was: before)
        case .makeFallback:
            makeFallback(tracked.rollout)
        case .repeatOrders(let devices):
            repeatOrders(of: before.model, to: devices)
        case .withdrawOrders(let devices):
            withdrawOrders(of: before.model, to: devices)
        }
        return following
    }

    // MARK: - Drawing a step

    private mutating func draw(step number: Int, of tracked: inout TrackedRollout) -> [RolloutAction] {
        let design = StepDesign(step: number, rollout: tracked.rollout, list: eligible(for: tracked.rollout))
        guard let drawn = design.draw() else {
            return tracked.rollout.stepFoundNobody(number, left: state.rest(of: tracked).count, at: now)
        }
        freeze(drawn, step: number, of: &tracked)
        return tracked.rollout.stepDrawn(
            number, cohort: drawn.cohort, eligible: drawn.list.count, method: drawn.experiment.plan.method, at: now)
    }

    /// Draws who of the rest stays behind while the rollout is watched.
    private mutating func drawWatch(of tracked: inout TrackedRollout) -> [RolloutAction] {
        let number = tracked.rollout.steps.count + 1
        let design = StepDesign(step: number, rollout: tracked.rollout, list: eligible(for: tracked.rollout))
        let devices = state.deployments[tracked.rollout.deployment].map { state.devices(of: $0).count } ?? 0
        guard let drawn = design.drawWatch(of: devices) else {
            return tracked.rollout.watchNotDrawn(left: state.rest(of: tracked).count, at: now)
        }
        freeze(drawn, step: number, of: &tracked)
        let cohort = Set(drawn.cohort)
        return tracked.rollout.watchDrawn(
            cohort: drawn.cohort, heldBack: drawn.list.filter { !cohort.contains($0) }, at: now)
    }

    /// Keeps what was frozen at a draw, and judges by it from now on.
    private mutating func freeze(_ drawn: StepDesign.Drawn, step number: Int, of tracked: inout TrackedRollout) {
        tracked.add(StepJudge(drawn.experiment), list: drawn.list, measuring: drawn.measuring)
        tracked.lastTickAt = tracked.lastTickAt ?? now
        add(
            .experiment(
                StoredExperiment(
                    rollout: tracked.rollout.id, step: number, experiment: drawn.experiment,
                    measuring: drawn.measuring)))
        var detail = ["step": "\(number)", "eligible": "\(drawn.list.count)", "drawn": "\(drawn.cohort.count)"]
        detail["units"] = drawn.experiment.unitCounts.map { UnitCounts.words($0.canaries, by: $0.label) }
        detail["judged"] = drawn.experiment.plan.method.rawValue
        audit("controller", "step.draw", "rollout/\(tracked.rollout.id)", detail)
    }

    /// The candidates that were seen lately, with what they are known for.
    private func eligible(for rollout: Rollout) -> [StepDesign.Listed] {
        guard let from = rollout.from else { return [] }
        return state.candidates(for: rollout).compactMap { device in
            let telemetry = telemetry(device.id)
            guard let seen = telemetry.lastHeartbeatAt, now.seconds(since: seen) <= FleetState.eligibleWithinSeconds
            else {
                return nil
            }
            return StepDesign.Listed(device: device, history: telemetry.history(on: from.digest, at: now))
        }
    }

    // MARK: - Assigning

    private mutating func assign(
        _ version: VersionReference?, to id: DeviceID, of rollout: Rollout, onPurpose: Bool = false
    ) {
        guard var device = state.devices[id], let version else { return }
        device.assign(
            SlotAssignment(
                model: rollout.model, run: version, fallback: rollout.from ?? version, deployment: rollout.deployment,
                rollout: version == rollout.to && rollout.from != nil ? rollout.id : nil),
            onPurpose: onPurpose)
        put(device)
    }

    /// Whether the deployment's version was rolled out before: then whoever ordered it anew meant it.
    private func isRepeated(_ rollout: Rollout) -> Bool {
        state.rollouts(of: rollout.deployment).contains {
            $0.rollout.id != rollout.id && !$0.rollout.isPlacebo && $0.rollout.to.digest == rollout.to.digest
        }
    }

    /// A person has a device try once more what its deployments want.
    ///
    /// - Throws: ``Problem`` while a rollout compares devices, and where nothing is wanted.
    mutating func tryAgain(_ id: DeviceID) throws {
        let slots = state.devices[id]?.slots ?? []
        guard slots.contains(where: { $0.deployment != nil }) else {
            throw Problem.conflict("nothing_to_retry", "no deployment wants a version on device \(id)")
        }
        for slot in slots {
            guard let name = slot.deployment, var device = state.devices[id] else { continue }
            let active = state.activeRollout(of: name)?.rollout
            if let active, active.from != nil, !active.isPlacebo {
                throw Problem.conflict(
                    "rollout_under_way",
                    "rollout \(active.id) compares devices; try device \(id) again when it is over")
            }
            let first = active?.from == nil ? active?.to : nil
            guard let wanted = first ?? state.settledVersion(of: name) ?? slot.run else { continue }
            device.assign(
                SlotAssignment(model: slot.model, run: wanted, fallback: wanted, deployment: name, rollout: nil),
                onPurpose: true, again: true)
            put(device)
        }
    }

    private mutating func makeFallback(_ rollout: Rollout) {
        for var device in state.devices.values.sorted(by: { $0.id < $1.id }) {
            guard let slot = device.slots.first(where: { $0.model == rollout.model }),
                slot.deployment == rollout.deployment, slot.run == rollout.to, slot.fallback != rollout.to
            else { continue }
            device.assign(
                SlotAssignment(
                    model: rollout.model, run: rollout.to, fallback: rollout.to, deployment: rollout.deployment,
                    rollout: nil))
            put(device)
        }
    }

    // MARK: - Reconciling

    /// Gives a device what its deployments want, where it has nothing for their models yet.
    mutating func reconcile(_ id: DeviceID) {
        for deployment in state.deployments.values.sorted(by: { $0.name < $1.name }) {
            reconcile(id, with: deployment)
        }
    }

    /// Gives every device of a deployment what it wants, where a device has nothing for its model yet.
    mutating func reconcileAll(of deployment: Deployment) {
        for device in state.devices(of: deployment) { reconcile(device.id, with: deployment) }
    }

    /// Gives a device that was in quarantine what its deployments settled on meanwhile; a rollout under way finds it.
    mutating func catchUp(_ id: DeviceID) {
        for slot in state.devices[id]?.slots ?? [] {
            guard let name = slot.deployment, var device = state.devices[id] else { continue }
            if let active = state.activeRollout(of: name)?.rollout {
                guard active.from != nil, active.promotedAt != nil, active.members[id] == nil,
                    active.heldBack?.contains(id) != true
                else { continue }
                assign(active.to, to: id, of: active)
                change(active.id) { rollout, now in rollout.restCommanded([id], at: now) }
            } else if let settled = state.settledVersion(of: name), settled != slot.run,
                settled.digest != slot.returnedFrom
            {
                device.assign(
                    SlotAssignment(model: slot.model, run: settled, fallback: settled, deployment: name, rollout: nil))
                put(device)
            }
        }
    }

    private mutating func reconcile(_ id: DeviceID, with deployment: Deployment) {
        guard var device = state.devices[id], device.isEligible, deployment.includes(id, labels: device.labels)
        else { return }
        let slot = device.slots.first { $0.model == deployment.model }
        guard slot?.deployment == nil else { return }
        let active = state.activeRollout(of: deployment.name)?.rollout
        if let watched = active, watched.from != nil, watched.promotedAt != nil {
            // It joins those whom the promotion reached, so that it is taken back with them.
            assign(watched.to, to: id, of: watched)
            change(watched.id) { rollout, now in rollout.restCommanded([id], at: now) }
        } else if let settled = state.settledVersion(of: deployment.name) {
            device.assign(
                SlotAssignment(
                    model: deployment.model, run: settled, fallback: settled, deployment: deployment.name, rollout: nil)
            )
            put(device)
        } else if let first = active, first.from == nil, first.state == .progressing {
            change(first.id) { _, _ in [.commandRest] }
        }
    }
}

/// What one slot is to run from now on.
struct SlotAssignment {
    let model: ModelName
    let run: VersionReference
    let fallback: VersionReference
    let deployment: DeploymentName
    let rollout: RolloutID?
}

extension StoredDevice {
    /// Numbers and keeps an assignment; one that changes nothing but the rollout it belongs to keeps its number.
    ///
    /// - Parameters:
    ///   - onPurpose: whether a device on which the version failed shall try it again.
    ///   - again: whether it gets a number of its own even where nothing changes.
    mutating func assign(_ assignment: SlotAssignment, onPurpose: Bool = false, again: Bool = false) {
        let index = slots.firstIndex { $0.model == assignment.model } ?? slots.count
        if index == slots.count { slots.append(StoredSlot(model: assignment.model)) }
        let changes = slots[index].run != assignment.run || slots[index].fallback != assignment.fallback
        if slots[index].run != assignment.run {
            slots[index].retry = nil
            slots[index].returnedFrom = nil
        }
        slots[index].run = assignment.run
        slots[index].fallback = assignment.fallback
        slots[index].deployment = assignment.deployment
        slots[index].rollout = assignment.rollout
        guard changes || again else { return }
        assignmentNumber += 1
        slots[index].number = assignmentNumber
        slots[index].failedReason = nil
        if onPurpose { slots[index].retry = assignmentNumber }
    }
}
