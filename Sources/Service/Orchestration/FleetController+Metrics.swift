import Fleet
public import PrometheusExposition
import Rollouts
import Synchronization
import WireFormat

extension FleetController {
    /// How long an ended rollout is still shown, in seconds: one hour.
    private static let retentionSeconds = 3600.0
    /// How many rollouts are shown at most.
    private static let shownRollouts = 50

    /// Fills in the gauges from the last committed state; called once per scrape.
    public func collect(into snapshot: inout MetricSnapshot) {
        let state = state
        let now = now
        collectDevices(state, at: now, into: &snapshot)
        snapshot.gauge(.auditContradicted, [], auditEnd.withLock { $0.isContradicted } ? 1 : 0)
        if let looked = lookedAt.withLock({ $0 }) { snapshot.gauge(.retentionLooked, [], looked.seconds) }
        collectLabels(state, into: &snapshot)
        let shown = state.rollouts.values.filter { tracked in
            guard !tracked.rollout.isPlacebo else { return false }
            return !tracked.rollout.state.isFinal
                || tracked.rollout.endedAt.map { now.seconds(since: $0) < Self.retentionSeconds } ?? false
        }.sorted { $0.rollout.createdAt > $1.rollout.createdAt }.prefix(Self.shownRollouts)
        for tracked in shown { collect(tracked, into: &snapshot) }
    }

    // MARK: - Devices

    private func collectDevices(_ state: FleetState, at now: Timestamp, into snapshot: inout MetricSnapshot) {
        var byState: [Connectivity: Int] = [:]
        var unhealthy: [String: Int] = [:]
        var expectedPerSecond = 0.0
        var updating: [String: Int] = [:]
        var behind = 0
        let newestKeySet = state.keySets.last?.number ?? 0
        var versions = VersionCounts()
        var standings: [DeviceStanding.Kind: Int] = [:]
        for device in state.devices.values {
            let status = ingest.status(of: device.id)
            if let standing = device.standing { standings[standing.kind, default: 0] += 1 }
            guard device.askedWith == nil else { continue }
            guard device.isInService else {
                byState[.retired, default: 0] += 1
                continue
            }
            byState[status.connectivity(at: now), default: 0] += 1
            expectedPerSecond += 1 / state.guidance(for: device).intervalSeconds
            if let followed = status.keySet, followed < newestKeySet { behind += 1 }
            for reason in Set(status.problems) { unhealthy[reason, default: 0] += 1 }
            for slot in status.slots { if let step = slot.step { updating[step, default: 0] += 1 } }
            for slot in device.slots { versions.add(slot, arm: state.arm(of: device.id, slot: slot), in: state) }
        }
        for connectivity in Connectivity.allCases {
            snapshot.gauge(.devices, [connectivity.rawValue], Double(byState[connectivity] ?? 0))
        }
        for kind in DeviceStanding.Kind.allCases {
            snapshot.gauge(.devicesBarred, [kind.rawValue], Double(standings[kind] ?? 0))
        }
        for (reason, count) in unhealthy { snapshot.gauge(.devicesUnhealthy, [reason], Double(count)) }
        snapshot.gauge(.devicesBehindKeySet, [], Double(behind))
        snapshot.gauge(.heartbeatsExpected, [], expectedPerSecond)
        for step in MetricLabel.updateStep.known ?? [] {
            snapshot.gauge(.otaUpdatesInProgress, [step], Double(updating[step] ?? 0))
        }
        versions.show(in: &snapshot)
    }

    private struct VersionCounts {
        var running: [[String]: Int] = [:]
        var wanted: [[String]: Int] = [:]
        var drifted: [String: Int] = [:]

        mutating func add(_ slot: StoredSlot, arm: String, in state: FleetState) {
            let model = slot.model.rawValue
            if let digest = slot.running {
                running[[model, state.versions[digest]?.version.rawValue ?? "unknown", arm], default: 0] += 1
            }
            if let run = slot.run { wanted[[model, run.name.rawValue, arm], default: 0] += 1 }
            let isMoving = slot.rollout != nil
            drifted[model, default: 0] += !isMoving && slot.run?.digest != slot.running ? 1 : 0
        }

        func show(in snapshot: inout MetricSnapshot) {
            for (labels, count) in running { snapshot.gauge(.modelDevices, labels, Double(count)) }
            for (labels, count) in wanted { snapshot.gauge(.modelTargetDevices, labels, Double(count)) }
            for (model, count) in drifted { snapshot.gauge(.modelDriftedDevices, [model], Double(count)) }
        }
    }

    // MARK: - Rollouts

    /// How many alarms carry which label, over all rollouts of a model.
    private func collectLabels(_ state: FleetState, into snapshot: inout MetricSnapshot) {
        var counts: [ModelName: [DecisionLabel.Value: Int]] = [:]
        for tracked in state.rollouts.values where !tracked.rollout.isPlacebo {
            counts[tracked.rollout.model, default: [:]].merge(
                tracked.decisions.compactMap(\.label?.value).map { ($0, 1) }, uniquingKeysWith: +)
        }
        for (model, labels) in counts {
            for label in DecisionLabel.Value.allCases {
                snapshot.gauge(.decisionsLabelled, [model.rawValue, label.rawValue], Double(labels[label] ?? 0))
            }
        }
    }

    private func collect(_ tracked: TrackedRollout, into snapshot: inout MetricSnapshot) {
        let rollout = tracked.rollout
        let labels = [rollout.model.rawValue, rollout.id.rawValue]
        snapshot.gauge(
            .rolloutInfo,
            labels + [
                rollout.from?.name.rawValue ?? "", rollout.to.name.rawValue,
                rollout.policy.dryRun ? "dry_run" : "stepwise",
            ], 1)
        snapshot.state(.rolloutState, labels, is: rollout.state.rawValue)
        snapshot.gauge(.rolloutStateEntered, labels, tracked.stateEnteredAt.seconds)
        snapshot.gauge(.rolloutStep, labels, Double(rollout.drawnSteps))
        snapshot.gauge(.rolloutSteps, labels, Double(rollout.plannedSteps))
        collectProgress(tracked, labels, into: &snapshot)
        switch rollout.state {
        case .pending, .holding, .halted:
            if let wait = rollout.wait { snapshot.gauge(.rolloutHoldSince, labels + [wait.reason], wait.since.seconds) }
        case .progressing where rollout.wait?.reason == "no_eligible_devices":
            if let wait = rollout.wait { snapshot.gauge(.rolloutHoldSince, labels + [wait.reason], wait.since.seconds) }
        case .progressing, .rollingBack, .rolledBack, .watching, .completed, .superseded:
            break
        }
        if let step = rollout.currentStep, !rollout.state.isFinal {
            snapshot.gauge(.rolloutStepDeadline, labels, step.deadlineAt.seconds)
            let share = step.eligible == 0 ? 0 : Double(step.drawn) / Double(step.eligible)
            snapshot.gauge(.rolloutCanaryWeight, labels, share)
        }
        if let judgement = tracked.judgements.last { judgement.collect(labels, into: &snapshot) }
        if let last = tracked.lastTickAt { snapshot.gauge(.canaryLastEvaluation, labels, last.seconds) }
    }

    private func collectProgress(_ tracked: TrackedRollout, _ labels: [String], into snapshot: inout MetricSnapshot) {
        let progress = tracked.resource.progress
        let figures = [
            ("drawn", progress.drawn), ("commanded", progress.commanded), ("exposed", progress.exposed),
            ("failed", progress.failed), ("returning", progress.returning), ("restored", progress.restored),
        ]
        for (name, count) in figures { snapshot.gauge(.rolloutDevices, labels + [name], Double(count)) }
    }
}
