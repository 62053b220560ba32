import RealModule

/// The judge of one step: a fold over the evidence of its ticks.
///
/// **Here the decision to roll back is made.**
///
/// A step is a randomised experiment of its own: its cohort was drawn by a keyed generator from a fixed list, and
/// everyone drawn is compared with everyone else of the list, from the step's start on. Three questions are asked at
/// every tick:
///
/// 1. *Is the canary worse?* ``HarmTest``: one permutation test over all metrics and events, with one error budget.
///    Harm that is proven and large enough to matter rolls back.
/// 2. *Is the canary shown to be within its tolerance?* ``SafetyTest``, one per guarded metric. Only proof advances.
/// 3. *Is anything missing?* ``Gate``: soak, exposure, silence, completeness, concentrated harm.
///
/// Otherwise it holds with a reason. The same experiment and the same evidence give the same judgements everywhere.
public struct StepJudge: Sendable {
    /// What was frozen when the step was drawn.
    public let experiment: StepExperiment
    /// Ticks judged so far.
    public private(set) var tick = 0

    private let assignments: Assignments
    private var tracks: DeviceTracks
    private var metrics: [MetricFold]
    private var harm: HarmTest
    private var updates = UpdateFailures()

    /// Starts judging a step.
    public init(_ experiment: StepExperiment) {
        self.experiment = experiment
        let plan = experiment.plan
        assignments = Assignments(
            isCanary: experiment.devices.map(\.isCanary), strata: experiment.devices.map(\.stratum), share: plan.share,
            seed: experiment.seed)
        tracks = DeviceTracks(count: experiment.devices.count)
        harm = HarmTest(
            assignments: assignments.count,
            spending: Spending(share: plan.share, deadlineTicks: plan.deadlineTicks, watchTicks: plan.watchTicks))
        let assignmentCount = assignments.count
        metrics = experiment.metrics.indices.map { index in
            MetricFold(experiment: experiment, metric: index, assignments: assignmentCount)
        }
    }

    /// Judges one tick.
    public mutating func judge(_ evidence: TickEvidence) -> TickJudgement {
        tick += 1
        credit(evidence)
        let look = harm.look(rows(), over: assignments, tick: tick)
        let standing = Standing(
            experiment: experiment, tick: tick, tracks: tracks.tracks, assignments: assignments, look: look)
        var judged: [MetricJudgement] = []
        for index in metrics.indices {
            judged.append(metrics[index].judgement(standing, crossing: harm.crossing?.row))
        }
        let gates = Gates(standing, metrics: metrics).standings
        return TickJudgement(
            tick: tick, canaries: standing.canaries.count, others: standing.others.count,
            exposed: standing.exposedCount, metrics: judged, events: standing.events,
            evidence: look.largest?.evidence ?? 0,
            bound: look.bound.isFinite && !harm.test.canNeverCross ? look.bound : nil,
            leadingMetric: look.largest?.metric ?? "", leadingTest: look.largest?.test ?? "",
            canDecide: !harm.test.canNeverCross, gates: gates, contributions: contributions(),
            recommendation: recommendation(standing, judged, gates))
    }

    // MARK: - The decision

    /// What is recommended, in the order of urgency: harm, failing updates, limits, then whether the step may advance.
    private func recommendation(
        _ standing: Standing, _ judged: [MetricJudgement], _ gates: [GateStanding]
    ) -> Recommendation {
        if let finding = provenHarm(standing, judged) { return .rollback(finding) }
        if let finding = failingUpdates(standing) { return finding }
        switch limits(judged) {
        case .canaryOnly(let finding): return .rollback(finding)
        case .bothArms(let reason): return .hold(reason)
        case .kept: break
        }
        if let reason = missingData(standing, judged) { return .noData(reason) }
        if let closed = gates.first(where: { !$0.isOpen }) {
            return .undecided(HoldReason(code: "gate_\(closed.gate.rawValue)", sentence: closed.detail))
        }
        let guarded = judged.filter { $0.mode == .guard }
        if harm.test.crossedAt == nil, !guarded.isEmpty, guarded.allSatisfy(\.isProven) {
            return .advance(isProven: true)
        }
        return unproven(guarded)
    }

    /// Harm that the test has proven and whose estimate matters: at least halfway to the tolerance.
    private func provenHarm(_ standing: Standing, _ judged: [MetricJudgement]) -> HarmFinding? {
        guard let crossing = harm.crossing else { return nil }
        let effect: Double
        if let index = experiment.metrics.firstIndex(where: { $0.name == crossing.row.metric }) {
            guard metrics[index].isHarmful(test: crossing.row.test, standing) else { return nil }
            effect = judged[index].effect
        } else {
            effect = standing.eventEffect(crossing.row.metric)
            guard effect > 1 else { return nil }
        }
        let suspect = standing.suspect(metrics.first { $0.plan.name == crossing.row.metric })
        return HarmFinding(
            reason: "harm_proven", metric: crossing.row.metric, test: crossing.row.test, evidence: crossing.evidence,
            bound: crossing.bound, effect: effect, suspect: suspect,
            sentence: "canary devices show \(figure(effect)) times the \(crossing.row.metric) expected of them "
                + "(evidence \(figure(crossing.evidence)) against a bound of \(figure(crossing.bound)))"
                + (suspect.map { "; it is concentrated on \($0)" } ?? ""))
    }

    private func failingUpdates(_ standing: Standing) -> Recommendation? {
        let bound = -Double.log(experiment.plan.updateShare)
        let finding = HarmFinding(
            reason: "updates_failing", metric: "updates", test: "betting", evidence: updates.evidence, bound: bound,
            effect: Double(updates.failed) / Double(max(1, standing.commandedCount)), suspect: nil,
            sentence: "\(updates.failed) of \(standing.commandedCount) commanded devices failed to update")
        if updates.evidence > bound { return .rollback(finding) }
        return updates.isTooMany(of: standing.commandedCount) ? .halt(finding) : nil
    }

    private enum LimitStanding {
        case kept
        case canaryOnly(HarmFinding)
        case bothArms(HoldReason)
    }

    /// Absolute limits stand beside the relative test; they need 100 requests in an arm to say anything.
    private func limits(_ judged: [MetricJudgement]) -> LimitStanding {
        for (metric, plan) in zip(judged, experiment.metrics) where plan.mode == .guard {
            guard let limit = plan.limit, let canary = metric.canaryValue, metric.canaryRequests >= 100, canary > limit
            else { continue }
            if let baseline = metric.baselineValue, metric.baselineRequests >= 100, baseline > limit {
                return .bothArms(
                    HoldReason(
                        code: "limit_breached_by_both",
                        sentence:
                            "\(metric.metric) is above its limit of \(figure(limit)) on both versions; the cause is "
                            + "not this version, look at what both share"))
            }
            return .canaryOnly(
                HarmFinding(
                    reason: "limit_breached", metric: metric.metric, test: "absolute limit", evidence: canary,
                    bound: limit, effect: metric.effect, suspect: nil,
                    sentence: "\(metric.metric) is \(figure(canary)) on the canary, above its limit of \(figure(limit))"
                ))
        }
        return .kept
    }

    private func missingData(_ standing: Standing, _ judged: [MetricJudgement]) -> HoldReason? {
        let guarded = judged.filter { $0.mode == .guard }
        guard !guarded.isEmpty, guarded.allSatisfy({ $0.verdict == .nodata }) else { return nil }
        return HoldReason(
            code: "no_data",
            sentence: "no guarded metric has data from both arms; check that devices report and that traffic flows")
    }

    /// Why a step without a closed gate does not advance; or that it advances without proof, because it can have none.
    private func unproven(_ guarded: [MetricJudgement]) -> Recommendation {
        let canNeverProve = metrics.contains { $0.plan.mode == .guard && $0.canNeverProve }
        if harm.test.crossedAt != nil {
            return .undecided(
                HoldReason(
                    code: "worse_within_tolerance",
                    sentence: "the canary is worse, by less than half of what is tolerated; a person decides"))
        }
        if harm.test.canNeverCross || canNeverProve {
            guard !experiment.plan.mayAdvanceUnproven else { return .advance(isProven: false) }
            return .undecided(
                HoldReason(
                    code: "cannot_decide",
                    sentence: "\(assignments.count) possible assignments are too few for a decision at this budget; "
                        + "use more devices, or a person decides"))
        }
        let open = guarded.filter { !$0.isProven }.map(\.metric).joined(separator: ", ")
        return .undecided(
            HoldReason(
                code: "unproven",
                sentence: guarded.isEmpty
                    ? "no metric is guarded, so nothing can be proven; guard one in the policy"
                    : "not yet shown to be within tolerance: \(open); more requests or time resolve it"))
    }

    // MARK: - Folding

    private mutating func credit(_ evidence: TickEvidence) {
        let silentBefore = tracks.tracks.map(\.silentFor)
        tracks.add(evidence, tick: tick, excuseTicks: experiment.plan.excuseTicks)
        let tick = tick
        let tracks = tracks.tracks
        for index in metrics.indices {
            metrics[index].credit(evidence, silentBefore: silentBefore) { device in
                tracks[device].firstHeard.map { $0 < tick } ?? false
            }
        }
        let canaries = experiment.devices.indices.filter { experiment.devices[$0].isCanary }
        updates.count(
            failed: canaries.count { tracks[$0].hasFailedUpdate },
            succeeded: canaries.count { tracks[$0].wasExposed && !tracks[$0].hasFailedUpdate })
    }

    /// All rows of the test; their weights add up to 1.
    private func rows() -> [TestRow] {
        let guarded = metrics.count { $0.plan.mode == .guard }
        let forMetrics = guarded == 0 ? 0 : 0.5 / Double(guarded)
        return metrics.flatMap { $0.rows(weight: forMetrics > 0 ? forMetrics : 0.5) }
            + EventKind.allCases.map { kind in
                TestRow(
                    metric: kind.rawValue, test: kind.test, weight: (1 - forMetrics * Double(guarded)) / 4,
                    decides: true,
                    scores: tracks.tracks.map { Int64(kind.count($0)) << 20 })
            }
    }

    private func contributions() -> [Contribution] {
        guard let first = metrics.first else { return [] }
        return first.worst(of: experiment.devices.indices.filter { experiment.devices[$0].isCanary }, limit: 5).map {
            Contribution(
                device: experiment.devices[$0].id, observed: first.ledger.observed[$0],
                expected: first.ledger.expected[$0])
        }
    }
}

/// A number for a sentence: two digits after the point, so that sentences are the same everywhere.
func figure(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return value > 0 ? "infinity" : "\(value)" }
    let hundredths = Int((abs(value) * 100).rounded())
    let fraction = hundredths % 100
    return (value < 0 ? "-" : "") + "\(hundredths / 100)." + (fraction < 10 ? "0" : "") + "\(fraction)"
}
