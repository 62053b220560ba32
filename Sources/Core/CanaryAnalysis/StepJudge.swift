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
/// 2. *Is the canary shown to be within its tolerance?* ``MetricSide``, one per guarded metric and way of harm. Only
///    proof advances.
/// 3. *Is anything missing?* ``Gate``: soak, exposure, silence, completeness, concentrated harm.
///
/// Otherwise it holds with a reason. The same experiment and the same evidence give the same judgements everywhere.
public struct StepJudge: Sendable {
    /// What was frozen when the step was drawn.
    public let experiment: StepExperiment
    /// Ticks judged so far.
    public private(set) var tick = 0

    private let assignments: Assignments
    private let cohort: Cohort
    private var tracks: DeviceTracks
    private var metrics: [MetricFold]
    private var harm: HarmTest
    private var updates = UpdateFailures()
    private var sampleRatio = SampleRatio()
    private var model: DeviceModelTest
    /// Only where absolute rules judge the step.
    private var rules: AbsoluteRules?

    /// Starts judging a step.
    public init(_ experiment: StepExperiment) {
        self.experiment = experiment
        let plan = experiment.plan
        let units = experiment.units
        assignments = Assignments(experiment, units: units)
        cohort = Cohort(experiment.devices, units: units)
        model = DeviceModelTest(experiment, units: units, decides: plan.method == .model)
        rules = plan.method == .absolute ? AbsoluteRules(experiment) : nil
        tracks = DeviceTracks(count: experiment.devices.count)
        harm = HarmTest(assignments: assignments.count, spending: plan.spending)
        let assignmentCount = assignments.count
        metrics = experiment.metrics.indices.map { index in
            MetricFold(experiment: experiment, units: units, metric: index, assignments: assignmentCount)
        }
    }

    /// Judges one tick.
    public mutating func judge(_ evidence: TickEvidence) -> TickJudgement {
        tick += 1
        credit(evidence)
        let rows = TestRow.all(of: metrics, tracks.tracks, units: cohort.units)
        let look = harm.look(rows, over: assignments, tick: tick)
        sampleRatio.look(
            tracks.tracks, cohort: cohort, assignments: assignments, tick: tick,
            at: experiment.plan.excuseTicks + DeviceTracks.silenceTicks)
        let standing = Standing(
            experiment: experiment, cohort: cohort, tick: tick, tracks: tracks.tracks, assignments: assignments,
            look: look)
        lookAtProofs()
        var judged: [MetricJudgement] = []
        for index in metrics.indices {
            judged.append(metrics[index].judgement(standing, crossed: harm.crossings.map(\.row)))
        }
        if isModelled { judged = model.judged(judged) { metrics[$0].isHarmful(test: "since start", standing) } }
        let broken = rules?.broken(standing)
        if let broken, let index = judged.firstIndex(where: { $0.metric == broken.metric }) {
            judged[index].verdict = .fail
        }
        let gates = Gates(standing, metrics: metrics, isProven: isProven(judged)).standings
        let harms = rules == nil ? harms(standing, judged, rows) : []
        let leading = leading(look)
        return TickJudgement(
            tick: tick, canaries: standing.canaries.count, others: standing.others.count,
            exposed: standing.exposedCount, units: standing.units, method: experiment.plan.method,
            devicesNeeded: experiment.plan.devicesNeeded, metrics: judged, events: standing.events,
            evidence: leading.evidence, bound: leading.bound, isWorse: isWorse, leadingMetric: leading.metric,
            leadingTest: leading.test, canDecide: canDecide, modelEvidence: model.evidence, gates: gates,
            contributions: contributions(leading.metric),
            recommendation: rules == nil
                ? harms.first ?? recommendation(standing, judged, gates) : ruled(standing, judged, gates, broken),
            alsoFound: harms.count > 1 ? Array(harms.dropFirst()) : nil)
    }

    /// Whether a model of devices decides, because nobody drew the cohort.
    private var isModelled: Bool { experiment.plan.method == .model }

    /// Whether a test decides, and any draw of this step could reach its bounds.
    private var canDecide: Bool { isModelled || rules == nil && !harm.test.canNeverCross }

    /// Whether the test that decides has shown the canary to be worse.
    private var isWorse: Bool {
        isModelled ? !model.harms.isEmpty : harm.test.crossedAt != nil && rules == nil
    }

    /// The strongest evidence of harm by the test that decides.
    private func leading(_ look: HarmTest.Look) -> (metric: String, test: String, evidence: Double, bound: Double?) {
        guard isModelled else {
            return (
                look.largest?.metric ?? "", look.largest?.test ?? "", look.largest?.evidence ?? 0,
                look.bound.isFinite && canDecide ? look.bound : nil
            )
        }
        let index = metrics.indices.max { model.harmEvidence(of: $0) < model.harmEvidence(of: $1) }
        return (
            index.map { metrics[$0].plan.name } ?? "", DeviceModelTest.name,
            index.map { model.harmEvidence(of: $0) } ?? 0, model.harmBound
        )
    }

    /// Whether every guarded metric, at least one, is shown to be within its tolerance.
    private func isProven(_ judged: [MetricJudgement]) -> Bool {
        let needed = needed(judged)
        return !needed.isEmpty && needed.allSatisfy(\.isProven)
    }

    /// The guarded metrics, without those that may lack data and do.
    private func needed(_ judged: [MetricJudgement]) -> [MetricJudgement] {
        zip(judged, experiment.metrics).filter { judgement, plan in
            plan.mode == .guard && !(plan.mayLackData && judgement.verdict == .nodata)
        }.map(\.0)
    }

    // MARK: - The decision

    /// What harm recommends, in the order of urgency: harm that is proven, failing updates, limits.
    private func harms(_ standing: Standing, _ judged: [MetricJudgement], _ rows: [TestRow]) -> [Recommendation] {
        var harms = provenHarm(standing, judged, rows).map(Recommendation.rollback)
        if let failing = failingUpdates(standing) { harms.append(failing) }
        if case .canaryOnly(let finding) = limits(judged) { harms.append(.rollback(finding)) }
        return harms
    }

    /// What is recommended where there is no harm: whether the step may advance, and why not.
    private func recommendation(
        _ standing: Standing, _ judged: [MetricJudgement], _ gates: [GateStanding]
    ) -> Recommendation {
        if case .bothArms(let reason) = limits(judged) { return .hold(reason) }
        if let reason = missingData(judged) { return .noData(reason) }
        if let reason = sampleRatio.holdReason(canaries: cohort.canaries.count, others: cohort.others.count) {
            return .hold(reason)
        }
        if let closed = gates.first(where: { !$0.isOpen }) {
            return .undecided(HoldReason(code: "gate_\(closed.gate.rawValue)", sentence: closed.detail))
        }
        if !isWorse, isProven(judged) { return .advance(isProven: true) }
        return unproven(needed(judged))
    }

    /// Harm that the test has proven and whose estimate matters: at least halfway to the tolerance; one finding per
    /// metric, the first that crossed first.
    private func provenHarm(
        _ standing: Standing, _ judged: [MetricJudgement], _ rows: [TestRow]
    ) -> [HarmFinding] {
        guard !isModelled else { return model.finding(judged, effect: Self.effect).map { [$0] } ?? [] }
        var findings: [HarmFinding] = []
        for crossing in harm.crossings where !findings.contains(where: { $0.metric == crossing.row.metric }) {
            guard let (effect, said) = harmOf(crossing.row, standing, judged) else { continue }
            let suspect = deviceScores(of: crossing.row, rows).flatMap { standing.suspect($0) }
            findings.append(
                HarmFinding(
                    reason: "harm_proven", metric: crossing.row.metric, test: crossing.row.test,
                    evidence: crossing.evidence, bound: crossing.bound, effect: effect, suspect: suspect,
                    sentence: "canary devices show \(said) (evidence \(figure(crossing.evidence)) against a bound of "
                        + "\(figure(crossing.bound)))" + (suspect.map { "; it is concentrated on \($0)" } ?? "")))
        }
        return findings
    }

    /// The scores of single devices behind a row that crossed.
    private func deviceScores(of row: TestRowName, _ rows: [TestRow]) -> ScoreRow? {
        guard cohort.units != nil else { return rows.first { $0.name == row }?.scores }
        return metrics.first { $0.plan.name == row.metric }?.harmScores
            ?? EventKind(rawValue: row.metric)?.scores(tracks.tracks, by: nil)
    }

    /// The estimated harm of a row that crossed, and how it is said; nil where it does not matter.
    private func harmOf(
        _ row: TestRowName, _ standing: Standing, _ judged: [MetricJudgement]
    ) -> (effect: Double, said: String)? {
        if let index = experiment.metrics.firstIndex(where: { $0.name == row.metric }) {
            guard metrics[index].isHarmful(test: row.test, standing) else { return nil }
            return (judged[index].effect, Self.effect(judged[index]))
        }
        let effect = standing.eventEffect(row.metric)
        return effect > 1 ? (effect, "\(figure(effect)) times the \(row.metric) of the others") : nil
    }

    /// What is said of a metric's effect.
    private static func effect(_ metric: MetricJudgement) -> String {
        switch metric.kind {
        case .share: "\(figure(metric.effect)) times the \(metric.metric) expected of them"
        case .mean: "a \(metric.metric) that is \(figure(metric.effect)) off what is expected of them"
        }
    }

    /// What is recommended where no test can serve the step: rules and limits are kept, or not.
    private func ruled(
        _ standing: Standing, _ judged: [MetricJudgement], _ gates: [GateStanding], _ broken: HarmFinding?
    ) -> Recommendation {
        if let broken { return .rollback(broken) }
        switch limits(judged) {
        case .canaryOnly(let finding): return .rollback(finding)
        case .bothArms(let reason): return .hold(reason)
        case .kept: break
        }
        if let reason = rules?.commonSilence(standing) { return .hold(reason) }
        if let reason = missingData(judged) { return .noData(reason) }
        if let closed = gates.first(where: { !$0.isOpen }) {
            return .undecided(HoldReason(code: "gate_\(closed.gate.rawValue)", sentence: closed.detail))
        }
        return .advance(isProven: false)
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
            func isBreached(_ value: Double?, _ requests: Double) -> Bool {
                guard let limit = plan.limit, let value, requests >= 100 else { return false }
                return plan.harm == .down ? value < limit : value > limit
            }
            guard let limit = plan.limit, let canary = metric.canaryValue, isBreached(canary, metric.canaryRequests)
            else { continue }
            if isBreached(metric.baselineValue, metric.baselineRequests) {
                return .bothArms(
                    HoldReason(
                        code: "limit_breached_by_both",
                        sentence:
                            "\(metric.metric) is beyond its limit of \(figure(limit)) on both versions; the cause is "
                            + "not this version, look at what both share"))
            }
            return .canaryOnly(
                HarmFinding(
                    reason: "limit_breached", metric: metric.metric, test: "absolute limit", evidence: canary,
                    bound: limit, effect: metric.effect, suspect: nil,
                    sentence:
                        "\(metric.metric) is \(figure(canary)) on the canary, beyond its limit of \(figure(limit))"
                ))
        }
        return .kept
    }

    private func missingData(_ judged: [MetricJudgement]) -> HoldReason? {
        let missing = needed(judged).filter { $0.verdict == .nodata }.map(\.metric)
        guard !missing.isEmpty else { return nil }
        let arms = rules == nil ? "both arms" : "the canary"
        return HoldReason(
            code: "no_data",
            sentence:
                "no data from \(arms) for \(missing.joined(separator: ", ")); check that devices report it and "
                + "that traffic flows")
    }

    /// Why a step without a closed gate does not advance; or that it advances without proof, because it can have none.
    private func unproven(_ guarded: [MetricJudgement]) -> Recommendation {
        let canNeverProve = metrics.contains { $0.plan.mode == .guard && $0.canNeverProve }
        if isWorse {
            return .undecided(
                HoldReason(
                    code: "worse_within_tolerance",
                    sentence: "the canary is worse, by less than half of what is tolerated; a person decides"))
        }
        if isModelled, let reason = model.cannotProve(guarded) { return .undecided(reason) }
        if !isModelled, harm.test.canNeverCross || canNeverProve {
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
        let covered = tracks.add(evidence, tick: tick, excuseTicks: experiment.plan.excuseTicks)
        let counted = tracks.tracks.map { $0.isCounted(tick: tick) }
        for index in metrics.indices {
            metrics[index].credit(
                evidence, covered: covered, counted: counted, isCanary: cohort.isCanary, tick: tick)
        }
        model.credit(evidence, counted: counted)
        rules?.credit(evidence, tracks: tracks.tracks, counted: counted, tick: tick)
        model.look(tick: tick)
        updates.count(
            failed: cohort.canaries.count { tracks.tracks[$0].hasFailedUpdate },
            succeeded: cohort.canaries.count { tracks.tracks[$0].wasExposed && !tracks.tracks[$0].hasFailedUpdate })
    }

    /// Looks at the proofs of safety that are not made yet, all in one go; in the soak, where nothing can be spent,
    /// only now and then.
    private mutating func lookAtProofs() {
        guard experiment.plan.method == .draw, tick >= experiment.plan.soakTicks || tick % 5 == 0 else { return }
        var places: [(metric: Int, side: Int)] = []
        var rows: [ScoreRow] = []
        for metric in metrics.indices {
            for (side, row) in metrics[metric].proofScores.enumerated() {
                guard let row else { continue }
                places.append((metric, side))
                rows.append(row)
            }
        }
        for (place, sums) in zip(places, assignments.sums(of: rows)) {
            metrics[place.metric].look(sums, side: place.side, tick: tick)
        }
    }

    /// The canaries that do worst by the metric with the strongest evidence, or the first.
    private func contributions(_ leading: String) -> [Contribution] {
        guard let metric = metrics.first(where: { $0.plan.name == leading }) ?? metrics.first else { return [] }
        let window = metric.ledger.sinceStart
        return metric.worst(of: cohort.canaries, limit: 5).map { place in
            Contribution(
                device: experiment.devices[place].id, metric: metric.plan.name, observed: window.observed[place],
                expected: metric.plan.kind == .share ? window.scale[place] : 0,
                requests: metric.ledger.requests[place])
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
