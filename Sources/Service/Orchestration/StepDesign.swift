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
        let planned = drawn(size)
        guard step == 1 else { return planned }
        let isTooSmall =
            list.count < rollout.policy.smallFleetDevices
            || (!planned.experiment.canDecide && !drawn(max(1, list.count / 2)).experiment.canDecide)
        return isTooSmall ? drawnByRules() : planned
    }

    /// Draws so many devices, or the units that bring as many, for a test.
    private func drawn(_ size: Int) -> Drawn {
        let draw = CohortDraw(candidates: candidates, size: size, seed: rollout.salt, step: step)
        let isAfterProof = rollout.steps.contains { $0.outcome == .proven }
        return frozen(
            strata: draw.strata, isDrawn: draw.isDrawn,
            plan: rollout.policy.testPlan(step: step, isAfterProof: isAfterProof, budget: rollout.errorBudget))
    }

    /// Draws one device, whatever shares its fate, that absolute rules will judge.
    private func drawnByRules() -> Drawn {
        var single = candidates
        for index in single.indices { single[index].unit = nil }
        let draw = CohortDraw(candidates: single, size: 1, seed: rollout.salt, step: step)
        return frozen(strata: draw.strata, isDrawn: draw.isDrawn, plan: rollout.policy.rulesPlan)
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
                unit: rollout.policy.unitLabel.flatMap { listed.device.unit(by: $0) })
        }
    }

    /// What the judge needs of a draw, frozen.
    private func frozen(strata: [Int], isDrawn: [Bool], plan: TestPlan) -> Drawn {
        let (measuring, histories) = measuring(strata: strata)
        let unitLabel = plan.method == .absolute ? nil : rollout.policy.unitLabel
        let devices = list.indices.map { index in
            ExperimentDevice(
                id: list[index].device.id.rawValue, stratum: strata[index], isCanary: isDrawn[index],
                labels: list[index].device.labels.dictionary,
                history: measuring.design.tallies(histories[index], of: index),
                unit: unitLabel.flatMap { list[index].device.unit(by: $0) })
        }
        // The key of the test differs from that of the draw: who was drawn must say nothing about the assignments.
        let seed = rollout.salt ^ (0x9E37_79B9_7F4A_7C15 &* UInt64(step))
        let experiment = StepExperiment(
            seed: seed, step: step, tickSeconds: rollout.policy.heartbeatSeconds, devices: devices,
            metrics: measuring.design.plans, plan: plan, unit: unitLabel)
        return Drawn(
            list: list.map(\.device.id), cohort: list.indices.filter { isDrawn[$0] }.map { list[$0].device.id },
            experiment: experiment, measuring: measuring)
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
