import RealModule

/// A test by a model of devices, for cohorts that nobody drew: bets on how many times as often canaries fail.
///
/// It is valid only as far as the model is, so it is evidence to show beside the permutation test and decides alone
/// where a person picked the canaries. There every guarded share is judged, the budget of harm split evenly between
/// them; each must be shown to be within its tolerance by itself, which needs no correction.
struct DeviceModelTest: Sendable {
    /// How a bet stands, in nats.
    struct Look: Sendable {
        var evidence: Double
        var bound: Double
    }

    private let unitOf: [Int]?
    /// Of each unit.
    private let isCanary: [Bool]
    private var sides: [ModelSide]
    private let plan: TestPlan

    /// Makes the test: of the first metric, to be shown, or of all that decide.
    init(_ experiment: StepExperiment, units: Units? = nil, decides: Bool) {
        plan = experiment.plan
        unitOf = units?.ofDevice
        let isCanary = experiment.devices.map(\.isCanary)
        self.isCanary = units?.firsts(isCanary) ?? isCanary
        let judged = experiment.metrics.indices.filter { index in
            experiment.metrics[index].kind == .share
                && (decides ? experiment.metrics[index].mode == .guard : index == 0)
        }
        let count = self.isCanary.count
        sides = judged.flatMap { metric -> [ModelSide] in
            let plan = experiment.metrics[metric]
            let history = experiment.devices.map { metric < $0.history.count ? $0.history[metric] : Tally() }
            let offsets = HistoryOffset(history, kind: .share, strata: experiment.devices.map(\.stratum)).offsets
            let directions = plan.harm == .either && decides ? [false, true] : [plan.harm == .down]
            return directions.map { isDownward in
                ModelSide(
                    metric: metric, plan: plan, isDownward: isDownward, provesSafety: decides, offsets: offsets,
                    units: count)
            }
        }
    }

    /// Credits a tick.
    mutating func credit(_ evidence: TickEvidence, counted: [Bool]) {
        for index in sides.indices {
            let metric = sides[index].metric
            let entries = evidence.observations.compactMap { one -> ModelSide.Entry? in
                guard one.wasHeard, one.device < counted.count, counted[one.device] else { return nil }
                let unit = unitOf?[one.device] ?? one.device
                return ModelSide.Entry(
                    device: one.device, unit: unit, old: metric < one.old.count ? one.old[metric] : Tally(),
                    new: metric < one.new.count ? one.new[metric] : Tally(), isCanary: isCanary[unit],
                    isCommanded: isCanary[unit] && one.isCommanded)
            }
            sides[index].add(entries)
        }
    }

    /// Looks at the bets after a tick; proofs of safety are made from the end of the soak on, and stay.
    mutating func look(tick: Int) {
        let (harmBound, proofBound) = (harmBound, -Double.log(plan.proofLevel))
        for index in sides.indices {
            sides[index].look(
                isCanary: isCanary, harmCap: harmBound / 3, proofCap: proofBound / 3,
                proofBound: tick >= plan.soakTicks ? proofBound : .infinity)
        }
    }

    /// What harm's evidence in any metric must exceed.
    var harmBound: Double { -Double.log(plan.share / Double(max(1, sides.count))) }

    /// The strongest evidence of harm, made comparable to the budget of a single metric; 0 where none is judged.
    var evidence: Double {
        sides.map { $0.harmEvidence - Double.log(Double(sides.count)) }.max() ?? 0
    }

    /// The strongest evidence of harm in one metric; 0 where it is not judged.
    func harmEvidence(of metric: Int) -> Double {
        sides.filter { $0.metric == metric }.map(\.harmEvidence).max() ?? 0
    }

    /// The metrics whose harm the bets have shown, strongest first.
    var harms: [(metric: Int, look: Look)] {
        sides.filter { $0.harmEvidence > harmBound }.sorted { $0.harmEvidence > $1.harmEvidence }
            .map { ($0.metric, Look(evidence: $0.harmEvidence, bound: harmBound)) }
    }

    /// How the proof of a metric's safety stands, and whether it was made; nil for a metric it does not judge.
    func safety(of metric: Int) -> (look: Look, isProven: Bool)? {
        let own = sides.filter { $0.metric == metric && $0.provesSafety }
        guard let weakest = own.map(\.safetyEvidence).min() else { return nil }
        return (Look(evidence: weakest, bound: -Double.log(plan.proofLevel)), own.allSatisfy(\.isProven))
    }
}
