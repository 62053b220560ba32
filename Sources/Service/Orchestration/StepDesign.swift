import CanaryAnalysis
import Fleet
import PrometheusExposition
import Rollouts

/// How a step is drawn: its list fixed, its cohort drawn from it, everything the judge needs frozen.
struct StepDesign {
    /// A device that may be on the list.
    struct Listed {
        let device: StoredDevice
        /// What it measured on the version the rollout comes from, as it is worth now.
        let history: NamedMeasurements
    }

    /// What came of a draw.
    struct Drawn {
        /// The devices of the list, in the experiment's order.
        let list: [DeviceID]
        let cohort: [DeviceID]
        let experiment: StepExperiment
        let measuring: StepMeasuring
    }

    let step: Int
    let rollout: Rollout
    /// The eligible devices, by id.
    let list: [Listed]

    /// Draws the cohort; nil where nobody is eligible.
    ///
    /// Whether a test can serve the rollout is settled by its first step, for all of them. A first step that is chosen
    /// too small for a list that could be tested stays as it was planned.
    func draw() -> Drawn? {
        guard !list.isEmpty else { return nil }
        guard !rollout.isJudgedByRules else { return drawnByRules() }
        guard step == 1 else { return drawn(size) }
        guard let picked else { return isTooSmall ? drawnByRules() : drawn(size) }
        guard picked.contains(true), picked.contains(false) else { return nil }
        return isTooSmall ? drawnByRules() : pickedByPerson(picked)
    }

    private var isTooSmall: Bool {
        rollout.policy.isTooSmall(
            devices: list.count, units: Units(candidates.map(\.unit))?.count ?? list.count,
            budget: rollout.errorBudget)
    }

    /// Whom of the list a person picked for the first step; nil where it is drawn.
    private var picked: [Bool]? {
        guard let canaries = rollout.canaries else { return nil }
        return list.map { canaries.contains($0.device.id, labels: $0.device.labels) }
    }

    /// Takes the devices that a person picked; a model of devices will judge them.
    private func pickedByPerson(_ picked: [Bool]) -> Drawn {
        let strata = CohortDraw(candidates: candidates, size: 1, seed: rollout.salt, step: step).strata
        var plan = rollout.policy.testPlan(step: step, isAfterProof: false, budget: rollout.errorBudget)
        plan.method = .model
        return frozen(strata: strata, isDrawn: picked, plan: plan)
    }

    /// Draws so many devices, or the units that bring as many, for a test.
    private func drawn(_ size: Int) -> Drawn {
        let draw = CohortDraw(candidates: candidates, size: size, seed: rollout.salt, step: step)
        let isAfterProof = rollout.steps.contains { $0.outcome == .proven && $0.method == .draw }
        return frozen(
            strata: draw.strata, isDrawn: draw.isDrawn,
            plan: rollout.policy.testPlan(step: step, isAfterProof: isAfterProof, budget: rollout.errorBudget))
    }

    /// Draws one device, whatever shares its fate, that absolute rules will judge; of those that a person picked as
    /// long as one is left.
    private func drawnByRules() -> Drawn {
        var single = candidates
        for index in single.indices { single[index].unit = nil }
        let first = picked.flatMap { $0.contains(true) ? $0 : nil } ?? list.map { _ in true }
        let places = list.indices.filter { first[$0] }
        let draw = CohortDraw(candidates: places.map { single[$0] }, size: 1, seed: rollout.salt, step: step)
        let drawn = zip(places, draw.isDrawn).first { $0.1 }?.0
        let strata = CohortDraw(candidates: single, size: 1, seed: rollout.salt, step: step).strata
        return frozen(strata: strata, isDrawn: list.indices.map { $0 == drawn }, plan: rollout.policy.rulesPlan)
    }

    /// Draws who stays behind during the watch; nil where no such draw could decide anything.
    ///
    /// - Parameter devices: how many devices the deployment has in all.
    func drawWatch(of devices: Int) -> Drawn? {
        let plan = rollout.policy.watchPlan(budget: rollout.errorBudget)
        let holdback = HoldbackDraw(
            candidates: candidates, of: devices, share: rollout.policy.holdbackShare, level: plan.share,
            seed: rollout.salt, step: step)
        return holdback.map { frozen(strata: $0.strata, isDrawn: $0.isHeld.map { !$0 }, plan: plan) }
    }

    private var candidates: [Candidate] {
        list.map { listed in
            Candidate(
                id: listed.device.id.rawValue, site: listed.device.labels["site"] ?? "",
                hardware: listed.device.labels["hw"] ?? "",
                unit: rollout.policy.unitLabel.flatMap { listed.device.unit(by: $0) },
                history: Tally(count: listed.history.requests, total: listed.history.failures))
        }
    }

    /// What the judge needs of a draw, frozen.
    private func frozen(strata: [Int], isDrawn: [Bool], plan: TestPlan) -> Drawn {
        let (measuring, histories) = measuring(strata: strata)
        let unitLabel = plan.method == .absolute ? nil : rollout.policy.unitLabel
        var devices = list.indices.map { index in
            ExperimentDevice(
                id: list[index].device.id.rawValue, stratum: strata[index], isCanary: isDrawn[index],
                labels: list[index].device.labels.dictionary,
                history: measuring.design.tallies(histories[index], of: index),
                unit: unitLabel.flatMap { list[index].device.unit(by: $0) })
        }
        if plan.method == .model { leaveUnitsOfPicked(&devices) }
        // The key of the test differs from that of the draw: who was drawn must say nothing about the assignments.
        let seed = rollout.salt ^ (0x9E37_79B9_7F4A_7C15 &* UInt64(step))
        let experiment = StepExperiment(
            seed: seed, step: step, tickSeconds: rollout.policy.heartbeatSeconds, devices: devices,
            metrics: measuring.design.plans, plan: plan, unit: unitLabel)
        return Drawn(
            list: list.map(\.device.id), cohort: list.indices.filter { isDrawn[$0] }.map { list[$0].device.id },
            experiment: experiment, measuring: measuring)
    }

    /// A unit that was picked in part is its picked devices; each of its others stands for itself.
    private func leaveUnitsOfPicked(_ devices: inout [ExperimentDevice]) {
        let picked = Set(devices.filter(\.isCanary).compactMap(\.unit))
        for index in devices.indices where !devices[index].isCanary {
            if devices[index].unit.map(picked.contains) == true { devices[index].unit = nil }
        }
    }

    private var size: Int {
        rollout.policy.cohortSize(step: step, drawnBefore: rollout.members.count, listed: list.count)
    }

    /// What is judged, by the policy and by what the list's devices have measured before.
    private func measuring(strata: [Int]) -> (StepMeasuring, histories: [Measurements]) {
        let policies = rollout.policy.metrics
        let names = MeasurementNames(
            measuredIn: list.map(\.history), policies: policies, latencyBounds: LatencyBounds.seconds)
        let histories = list.map { $0.history.measurements(names) }
        let design = MetricDesign(policies: policies, names: names, histories: histories, strata: strata)
        return (StepMeasuring(names: names, design: design), histories)
    }
}

extension StoredDevice {
    /// What the device is drawn with where the values of a label are drawn whole; nil where it has none.
    func unit(by label: String) -> String? { labels[label].flatMap { $0.isEmpty ? nil : $0 } }
}
