import CanaryAnalysis
import Fleet
import Rollouts

extension TrackedRollout {
    /// What was observed of a step's list in the tick that ends now.
    ///
    /// - Parameter setAside: devices whose counts say nothing about a version: in quarantine, revoked, retired.
    func evidence(
        ofStep index: Int, at now: Timestamp, setAside: Set<DeviceID>, _ surroundings: TickSurroundings
    ) -> TickEvidence {
        var observations: [DeviceObservation] = []
        for (place, device) in lists[index].enumerated() {
            let news = pending[device] ?? DeviceNews()
            // Whom a later step drew belongs to this step's comparison still; its commands are not this step's.
            let member = rollout.members[device].flatMap { $0.step == rollout.steps[index].number ? $0 : nil }
            guard news.heartbeats > 0 || member?.wasCommanded == true || setAside.contains(device) else { continue }
            var one = DeviceObservation(device: place)
            if setAside.contains(device) || member?.progress == .unseen {
                // Nobody waits for it and nothing that it says is believed, whichever arm it is in: since a restore
                // nobody knows which version a canary measures until it is heard.
                one.wasHeard = true
                one.isCommanded = member?.wasCommanded == true
                one.isExposed = member?.isExposed == true
                observations.append(one)
                continue
            }
            one.wasHeard = news.heartbeats > 0
            one.note(member)
            one.isExcused = surroundings.status(device).updatingUntil.map { $0 > now } ?? false
            one.crashes = news.crashes[rollout.model] ?? 0
            one.failedStarts = news.failedStarts[rollout.model] ?? 0
            one.old = measuring[index].tallies(measured(news) { !isNew($0, on: device) }, of: place)
            one.new = measuring[index].tallies(measured(news) { isNew($0, on: device) }, of: place)
            observations.append(one)
        }
        return TickEvidence(observations: observations)
    }

    private func measured(_ news: DeviceNews, on isWanted: (Digest) -> Bool) -> NamedMeasurements {
        var sum = RuntimeTotals()
        for (version, totals) in news.counts where version.model == rollout.model && isWanted(version.digest) {
            sum = sum.adding(totals)
        }
        return NamedMeasurements(sum)
    }

    /// The rollout with its judges folded from the stored evidence, as they were at the last committed tick.
    ///
    /// - Throws: what the store throws; ``EvidenceFault`` where a row cannot be read.
    func refolded(from store: any OrchestratorStore, at now: Timestamp) throws -> TrackedRollout {
        var tracked = self
        for step in rollout.steps {
            guard let stored = try store.experiment(rollout: rollout.id, step: step.number) else { continue }
            var judge = StepJudge(stored.experiment)
            var last: TickJudgement?
            for row in try store.evidence(rollout: rollout.id, step: step.number) {
                last = judge.judge(try TickEvidence(decoding: row.bytes))
            }
            tracked.add(
                judge, list: stored.experiment.devices.compactMap { DeviceID(rawValue: $0.id) },
                measuring: stored.measuring)
            if let last { tracked.judgements.append(last) }
        }
        // The time the controller was away is no observation: the next tick is a whole interval from now.
        tracked.lastTickAt = now
        return tracked
    }
}

extension DeviceObservation {
    fileprivate mutating func note(_ member: RolloutMember?) {
        guard let member, member.wasCommanded else { return }
        isCommanded = true
        switch member.progress {
        case .exposed: isExposed = true
        case .failed(let reason): hasFailedUpdate = reason != RolloutMember.setAside
        case .drawn, .commanded, .unseen, .returning, .restored: break
        }
    }
}
