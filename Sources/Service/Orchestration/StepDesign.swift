import CanaryAnalysis
import Fleet
import Rollouts

/// How a step is drawn: its list fixed, its cohort drawn from it, everything the judge needs frozen.
struct StepDesign {
    /// A device that may be on the list.
    struct Listed {
        let device: StoredDevice
        /// Its requests and failures on the version the rollout comes from, as they are worth now.
        let history: Tally
    }

    /// What came of a draw.
    struct Drawn {
        /// The devices of the list, in the experiment's order.
        let list: [DeviceID]
        let cohort: [DeviceID]
        let experiment: StepExperiment
    }

    let step: Int
    let rollout: Rollout
    /// The eligible devices, by id.
    let list: [Listed]

    /// Draws the cohort; nil where nobody is eligible.
    func draw() -> Drawn? {
        guard !list.isEmpty else { return nil }
        let candidates = list.map { listed in
            Candidate(
                id: listed.device.id.rawValue, site: listed.device.labels["site"] ?? "",
                hardware: listed.device.labels["hw"] ?? "")
        }
        let draw = CohortDraw(candidates: candidates, size: size, seed: rollout.salt, step: step)
        let devices = list.indices.map { index in
            ExperimentDevice(
                id: candidates[index].id, stratum: draw.strata[index], isCanary: draw.isDrawn[index],
                labels: list[index].device.labels.dictionary, history: metrics.map { _ in list[index].history })
        }
        // The key of the test differs from that of the draw: who was drawn must say nothing about the assignments.
        let seed = rollout.salt ^ (0x9E37_79B9_7F4A_7C15 &* UInt64(step))
        let experiment = StepExperiment(
            seed: seed, step: step, tickSeconds: rollout.policy.heartbeatSeconds, devices: devices, metrics: metrics,
            plan: plan)
        return Drawn(
            list: list.map(\.device.id), cohort: list.indices.filter { draw.isDrawn[$0] }.map { list[$0].device.id },
            experiment: experiment)
    }

    private var size: Int {
        rollout.policy.cohortSize(step: step, drawnBefore: rollout.members.count, listed: list.count)
    }

    private var metrics: [MetricPlan] {
        let failures = list.reduce(0) { $0 + $1.history.total }
        let requests = list.reduce(0) { $0 + $1.history.count }
        let rate = requests > 0 ? failures / requests : 0
        let named = rollout.policy.metrics.filter { $0.name == Self.failures && $0.mode != .ignore }
        let policy = named.first ?? MetricPolicy(name: Self.failures, mode: .watch)
        return [
            MetricPlan(
                name: policy.name, mode: policy.mode == .guard ? .guard : .watch,
                margin: MetricPlan.wider(
                    relative: policy.relativeTolerance, absolute: policy.absoluteTolerance, history: rate),
                limit: policy.limit)
        ]
    }

    private var plan: TestPlan {
        rollout.policy.testPlan(step: step, isAfterProof: rollout.steps.contains { $0.outcome == .proven })
    }

    /// The metric of this version: failed requests of all reasons.
    static let failures = "failures"
}
