import CanaryAnalysis

/// A step of a recording: when it starts, whom it draws, whom it compares them with.
struct RecordedStep: Sendable {
    let number: Int
    /// Seconds since the rollout's start.
    let startedAt: Double
    /// The devices of its list, by their place in the fleet.
    let list: [Int]
    private let planned: Int

    /// The steps of a fleet, by their start.
    static func all(of fleet: RecordedFleet) -> [RecordedStep] {
        let devices = fleet.devices
        let numbers = Set(devices.filter { $0.arm != .outside }.compactMap(\.step)).sorted()
        let planned = max(fleet.policy.plannedSteps ?? 0, numbers.last ?? 0)
        let steps = numbers.compactMap { number -> RecordedStep? in
            let commands = devices.filter { $0.step == number && $0.arm != .outside }.compactMap(\.commandedAt)
            guard let start = commands.min() else { return nil }
            // Whom an earlier step drew runs the new version already; whom a later one draws is compared with.
            let list = devices.indices.filter { index in
                devices[index].arm != .outside && devices[index].step.map { $0 >= number } ?? true
            }
            return RecordedStep(number: number, startedAt: start, list: list, planned: planned)
        }
        return steps.sorted { ($0.startedAt, $0.number) < ($1.startedAt, $1.number) }
    }

    /// What the controller would have frozen at the draw.
    func experiment(
        of fleet: RecordedFleet, design: MetricDesign, strata: [Int], mayAdvanceUnproven: Bool
    ) -> StepExperiment {
        let policy = fleet.policy
        let shares = TestPlan.shares(of: policy.errorBudget, step: number, of: planned)
        func ticks(_ seconds: Double) -> Int { Int((seconds / policy.tickSeconds).rounded(.up)) }
        let devices = list.indices.map { place -> ExperimentDevice in
            let device = fleet.devices[list[place]]
            var labels = device.labels
            if !device.stratum.isEmpty { labels["stratum"] = device.stratum }
            return ExperimentDevice(
                id: device.id, stratum: strata[place], isCanary: device.step == number, labels: labels,
                history: design.tallies(device.history, of: place), unit: device.unit.isEmpty ? nil : device.unit)
        }
        return StepExperiment(
            seed: policy.seed ^ (0x9E37_79B9_7F4A_7C15 &* UInt64(number)), step: number,
            tickSeconds: policy.tickSeconds, devices: devices, metrics: design.plans,
            plan: TestPlan(
                share: shares.test, updateShare: shares.updates, soakTicks: ticks(policy.soakSeconds),
                deadlineTicks: ticks(policy.deadlineSeconds),
                watchTicks: ticks(policy.deadlineSeconds * Double(planned) + policy.watchSeconds),
                excuseTicks: ticks(policy.updateSeconds), mayAdvanceUnproven: mayAdvanceUnproven),
            unit: devices.contains { $0.unit != nil } ? policy.unitLabel ?? "unit" : nil)
    }

    /// A number for each stratum of the list, in the order of their names.
    ///
    /// A unit is in one stratum as a whole, and a stratum of a single unit, in which there is nothing to draw, is part
    /// of the rest.
    func strata(of fleet: RecordedFleet) -> [Int] {
        var names = list.map { fleet.devices[$0].stratum }
        let unitNames = list.map { fleet.devices[$0].unit.isEmpty ? nil : fleet.devices[$0].unit }
        if let units = Units(unitNames) { names = units.strata(names) }
        let numbers = Dictionary(uniqueKeysWithValues: Set(names).sorted().enumerated().map { ($1, $0) })
        return names.map { numbers[$0] ?? 0 }
    }
}

/// A step that is being judged.
struct RunningStep: Sendable {
    let step: RecordedStep
    private let design: MetricDesign
    private var judge: StepJudge

    init(_ step: RecordedStep, of fleet: RecordedFleet, mayAdvanceUnproven: Bool) {
        self.step = step
        let strata = step.strata(of: fleet)
        design = MetricDesign(
            policies: fleet.policy.metrics, names: fleet.names, histories: step.list.map { fleet.devices[$0].history },
            strata: strata)
        judge = StepJudge(
            step.experiment(of: fleet, design: design, strata: strata, mayAdvanceUnproven: mayAdvanceUnproven))
    }

    mutating func judge(_ heard: HeardRows, of fleet: RecordedFleet, at time: Double) -> TickJudgement {
        var observations: [DeviceObservation] = []
        observations.reserveCapacity(step.list.count)
        for (place, index) in step.list.enumerated() {
            let device = fleet.devices[index]
            let isCommanded = device.step == step.number && (device.commandedAt ?? .infinity) <= time
            guard heard.wasHeard[index] || isCommanded else { continue }
            var one = DeviceObservation(device: place)
            one.wasHeard = heard.wasHeard[index]
            one.isCommanded = isCommanded
            one.isExposed = isCommanded && (device.exposedAt ?? .infinity) <= time
            if let old = heard.old[index] { one.old = design.tallies(old, of: place) }
            if let new = heard.new[index] { one.new = design.tallies(new, of: place) }
            observations.append(one)
        }
        return judge.judge(TickEvidence(observations: observations))
    }
}

/// The rows of one tick by device, on the version they were measured on.
struct HeardRows {
    private(set) var wasHeard: [Bool]
    private(set) var old: [Measurements?]
    private(set) var new: [Measurements?]

    /// A row that begins at or after its device's exposure was measured on the new version.
    init(_ rows: [RecordedRow], at time: Double, lastHeard: inout [Double], devices: [RecordedDevice]) {
        wasHeard = [Bool](repeating: false, count: devices.count)
        old = [Measurements?](repeating: nil, count: devices.count)
        new = old
        for row in rows {
            wasHeard[row.device] = true
            if lastHeard[row.device] >= devices[row.device].exposedAt ?? .infinity {
                new[row.device] = row.measurements.added(to: new[row.device])
            } else {
                old[row.device] = row.measurements.added(to: old[row.device])
            }
            if let receivedAt = row.receivedAt { lastHeard[row.device] = receivedAt }
        }
        // Rows of one tick without times of their own begin where the first of them does.
        for row in rows where row.receivedAt == nil { lastHeard[row.device] = time }
    }
}

extension Measurements {
    fileprivate func added(to other: Measurements?) -> Measurements {
        guard var sum = other else { return self }
        sum += self
        return sum
    }
}
