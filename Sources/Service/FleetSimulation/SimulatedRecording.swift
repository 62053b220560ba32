public import RecordedFleets

/// A simulated rollout as a recording: what can be written down, sent elsewhere and judged again.
public struct SimulatedRecording: Sendable {
    /// Who was in it and how it is judged.
    public let fleet: RecordedFleet
    /// The rows of every tick.
    public let ticks: [[RecordedRow]]
    /// What its rollout came to when it was judged on its way.
    public let outcome: SimulatedOutcome

    /// Records a rollout for so many seconds, or until the version is taken back.
    public init(_ simulated: SimulatedFleet, policy: RecordedPolicy, seed: UInt64, seconds: Double) {
        var rollout = SimulatedRollout(simulated, policy: policy, seed: seed)
        let histories = rollout.course.histories
        var ticks: [[RecordedRow]] = []
        while rollout.course.now < seconds, rollout.outcome.rollback == nil {
            rollout.endTick()
            ticks.append(rollout.rows)
        }
        self.ticks = ticks
        outcome = rollout.outcome
        let course = rollout.course
        var stepOf = [Int?](repeating: nil, count: course.devices.count)
        for step in rollout.steps { for device in step.cohort { stepOf[device] = step.number } }
        let devices = course.devices.indices.map { index in
            let device = course.devices[index]
            let exposed = course.exposedAt[index]
            return RecordedDevice(
                id: device.id, arm: stepOf[index] == nil ? .baseline : .canary, step: stepOf[index],
                commandedAt: course.commandedAt[index], exposedAt: exposed < .infinity ? exposed : nil,
                stratum: device.stratum, labels: device.labels, history: histories[index],
                unit: simulated.unit == .site ? device.site : "")
        }
        fleet = RecordedFleet(devices: devices, names: course.names, policy: policy)
    }
}
