import CanaryAnalysis
import Fleet
import Rollouts
import WireFormat

extension FleetController {
    /// The shortest heartbeat interval of any rollout that is under way; ticks come this often, in seconds.
    public var tickSeconds: Double {
        let idle = 10.0
        return state.rollouts.values.filter { !$0.rollout.state.isFinal }
            .map(\.rollout.policy.heartbeatSeconds).min().map { min($0, idle) } ?? idle
    }

    /// Ends a tick: takes out what devices said, lets rollouts see it, judges those whose tick is due, and commits it
    /// all.
    ///
    /// Where the commit fails, nothing happened: the counts are put back and judged with the next tick.
    ///
    /// - Throws: what the store throws.
    public func tick() throws {
        let started = now
        try settle()
        let drained = ingest.drain(at: started)
        do {
            let judged = try transact(settled: { [weak self] in self?.settled(drained, tookPlace: $0) }) { draft in
                for one in drained { draft.add(.telemetry(one.telemetry)) }
                for one in drained { draft.noticeTwin(one) }
                draft.heard(drained)
                draft.noteUses(keyUses)
                return draft.endTick(
                    TickSurroundings(
                        status: { self.ingest.status(of: $0) }, telemetry: { self.ingest.telemetry(of: $0) },
                        elapsed: { self.now.seconds(since: started) }, salt: { self.newSalt() }))
            }
            ingest.markCommitted(drained)
            count(drained)
            let state = state
            fleetMetrics.connectivity(
                state.devices.values.filter { $0.askedWith == nil }.map { device in
                    (
                        device.id,
                        device.isInService ? ingest.status(of: device.id).connectivity(at: started) : .retired
                    )
                })
            for (tracked, verdict, seconds) in judged {
                fleetMetrics.judged(tracked, verdict: verdict, seconds: seconds)
            }
        } catch {
            // What is not known is put back, or acknowledged, when it is.
            if !(error is UnsettledCommit) { ingest.restore(drained) }
            throw error
        }
        if now.seconds(since: started) > tickSeconds { fleetMetrics.overran() }
    }

    private func settled(_ drained: [DrainedDevice], tookPlace: Bool) {
        guard tookPlace else { return ingest.restore(drained) }
        ingest.markCommitted(drained)
        count(drained)
    }

    private func count(_ drained: [DrainedDevice]) {
        let state = state
        for one in drained {
            guard let device = state.devices[one.device] else { continue }
            for (version, counts) in one.news.counts {
                guard let slot = device.slots.first(where: { $0.model == version.model }) else { continue }
                fleetMetrics.inference(
                    counts, model: version.model,
                    version: state.versions[version.digest]?.version.rawValue ?? "unknown",
                    arm: state.arm(of: device.id, slot: slot))
            }
            fleetMetrics.counted(one.news)
        }
    }
}

/// What a tick looks at beside the state.
struct TickSurroundings {
    /// What a device last said.
    let status: (DeviceID) -> DeviceStatus
    /// What is counted of a device.
    let telemetry: (DeviceID) -> StoredTelemetry
    /// Seconds since the tick began, for the duration of judging.
    let elapsed: () -> Double
    /// A fresh key for the draws of a rollout.
    let salt: () -> UInt64
}

extension FleetDraft {
    /// Devices were heard: what they run moves their slots and their rollouts.
    mutating func heard(_ drained: [DrainedDevice]) {
        for one in drained { noteRunning(one) }
        for id in state.rollouts.keys.sorted() where state.rollouts[id]?.rollout.state.isFinal == false {
            heard(drained, in: id)
        }
    }

    private mutating func noteRunning(_ one: DrainedDevice) {
        guard var device = state.devices[one.device] else { return }
        var changed = false
        for said in one.status.slots {
            guard let index = device.slots.firstIndex(where: { $0.model == said.model }) else { continue }
            if device.slots[index].running != said.digest {
                device.slots[index].running = said.digest
                changed = true
            }
        }
        if changed { put(device) }
    }

    /// All devices at once: a rollout keeps a record of each, and is looked through once for all that were heard.
    private mutating func heard(_ drained: [DrainedDevice], in id: RolloutID) {
        guard let tracked = state.rollouts[id] else { return }
        if tracked.rollout.isJudged {
            var pending = tracked.pending
            for one in drained where tracked.listed.contains(one.device) {
                pending[one.device, default: DeviceNews()].add(one.news)
            }
            state.rollouts[id]?.pending = pending
        }
        // What runs tells nothing in a placebo: its devices report when they have installed it.
        guard !tracked.rollout.isPlacebo else { return }
        var exposed: [DeviceID] = []
        var restored: [DeviceID] = []
        for one in drained {
            // A runtime that is still starting, or cannot start, serves nothing yet.
            guard let said = one.status.slots.first(where: { $0.model == tracked.rollout.model }), said.healthy,
                let running = said.digest, tracked.rollout.members[one.device] != nil
            else { continue }
            // Usually the version it came from; a later rollout may have given it another one meanwhile.
            if running == tracked.rollout.to.digest { exposed.append(one.device) } else { restored.append(one.device) }
        }
        change(id) { rollout, now in rollout.devicesHeard(exposed: exposed, restored: restored, at: now) }
    }

    /// Judges the rollouts whose tick is due and lets time pass for all.
    mutating func endTick(_ surroundings: TickSurroundings) -> [(TrackedRollout, verdict: String, seconds: Double)] {
        var judged: [(TrackedRollout, verdict: String, seconds: Double)] = []
        for id in state.rollouts.keys.sorted() {
            guard let tracked = state.rollouts[id], !tracked.rollout.state.isFinal else { continue }
            if let one = judge(tracked, surroundings) { judged.append(one) }
            let unreachable = unreachableMembers(of: id, surroundings)
            change(id) { rollout, now in rollout.clockMoved(to: now, unreachable: unreachable) }
        }
        startDuePlacebos(salt: surroundings.salt)
        return judged
    }

    private func unreachableMembers(of id: RolloutID, _ surroundings: TickSurroundings) -> Set<DeviceID> {
        guard let rollout = state.rollouts[id]?.rollout else { return [] }
        return Set(rollout.members.keys.filter { surroundings.status($0).connectivity(at: now) == .offline })
    }

    /// Judges a rollout if its tick is due, keeps the evidence, and lets the rollout decide.
    private mutating func judge(
        _ before: TrackedRollout, _ surroundings: TickSurroundings
    ) -> (TrackedRollout, verdict: String, seconds: Double)? {
        var tracked = before
        let interval = tracked.rollout.policy.heartbeatSeconds
        // A tick that comes a little early by the clock's grain is still this tick.
        guard tracked.rollout.isJudged, let last = tracked.lastTickAt, now.seconds(since: last) >= interval * 0.95
        else {
            return nil
        }
        let began = surroundings.elapsed()
        tracked.judgements = []
        let setAside = Set(tracked.listed.filter { state.devices[$0]?.isEligible != true })
        for index in tracked.judges.indices {
            let step = tracked.rollout.steps[index]
            let evidence = tracked.evidence(ofStep: index, at: now, setAside: setAside, surroundings)
            tracked.judgements.append(tracked.judges[index].judge(evidence))
            add(
                .evidence(
                    EvidenceRow(
                        rollout: tracked.rollout.id, step: step.number, tick: step.ticks + 1, bytes: evidence.encoded())
                ))
        }
        tracked.pending = [:]
        tracked.lastTickAt = now
        tracked.revision &+= 1
        state.rollouts[tracked.rollout.id] = tracked
        let policies = tracked.rollout.policy.metrics
        let findings = tracked.judgements.map { StepFinding($0, policies: policies) }
        let readiness = tracked.judgements.last.map(StepReadiness.init)
        let outage = OutageFinding(tracked, now: now, surroundings)?.grounds
        change(tracked.rollout.id) { rollout, now in
            rollout.tickJudged(findings, outage: outage, readiness: readiness, at: now)
        }
        return (tracked, tracked.judgements.last?.verdictName ?? "nodata", surroundings.elapsed() - began)
    }
}

extension FleetController {
    /// A tick could not be committed; the log says so, and its counts wait for the next one.
    func tickFailed(_ error: any Error) {
        surroundings.log.error(
            "tick failed", ["error": "\(error)", "effect": "counts are kept and judged with the next tick"])
    }
}
