import RealModule

/// One metric of a step: its measurements, its rows of the test of harm, and its proof of safety.
struct MetricFold: Sendable {
    let plan: MetricPlan
    /// What was measured, as it was measured.
    private(set) var ledger: DeviceLedger
    /// The same shifted by the tolerance, one for each way that harm goes.
    private var sides: [MetricSide]
    private let metric: Int
    private let seed: UInt64
    /// Sums in the judged window, for display: on the new version by canaries, on the old one by the others.
    private var shown = (canary: Tally(), baseline: Tally())
    /// The last tick in which each of them was measured.
    private var measuredAt = (canary: 0, baseline: 0)
    private var lastInterval: EffectInterval?
    /// How many of its rows have crossed so far.
    private var crossedCount = 0

    /// Whether the proof of safety can be made at all.
    var canNeverProve: Bool { sides.contains { $0.canNeverProve } }
    /// Whether it was made, for every way that harm goes.
    var isProven: Bool { sides.allSatisfy(\.isProven) }

    init(experiment: StepExperiment, units: Units?, metric: Int, assignments: Int) {
        let plan = experiment.metrics[metric]
        self.plan = plan
        self.metric = metric
        seed = experiment.seed
        let history = experiment.devices.map { metric < $0.history.count ? $0.history[metric] : Tally() }
        let offsets = HistoryOffset(history, kind: plan.kind, strata: experiment.devices.map(\.stratum)).offsets
        let blockTicks = experiment.plan.blockTicks
        ledger = DeviceLedger(
            kind: plan.kind, offsets: offsets, units: units, keepsRecent: plan.group == .failures,
            blockTicks: blockTicks)
        let spending = Spending(
            share: experiment.plan.proofLevel, deadlineTicks: experiment.plan.deadlineTicks,
            watchTicks: experiment.plan.watchTicks, firstTick: experiment.plan.soakTicks)
        let directions = plan.harm == .either ? [false, true] : [plan.harm == .down]
        let part = Double(experiment.canaries) / Double(max(1, experiment.devices.count))
        sides = directions.map { isDownward in
            MetricSide(
                plan: plan, isDownward: isDownward, part: part, offsets: offsets, units: units, seed: experiment.seed,
                stream: UInt32(truncatingIfNeeded: metric * 2 + (isDownward ? 1 : 0)), blockTicks: blockTicks,
                test: SequentialTest(assignments: assignments, spending: spending))
        }
    }

    /// Credits a tick.
    ///
    /// - Parameters:
    ///   - evidence: what was observed.
    ///   - covered: how many ticks each device's measurements cover.
    ///   - counted: whether each device's window has begun.
    ///   - isCanary: whether each device was drawn by this step; whom later steps draw is compared with.
    ///   - tick: the tick.
    mutating func credit(
        _ evidence: TickEvidence, covered: [Int], counted: [Bool], isCanary: [Bool], tick: Int
    ) {
        var entries: [VersionEntry] = []
        var plain: [DeviceLedger.Entry] = []
        entries.reserveCapacity(evidence.observations.count)
        plain.reserveCapacity(evidence.observations.count)
        for index in evidence.observations.indices where evidence.observations[index].wasHeard {
            let device = evidence.observations[index].device
            guard device < covered.count else { continue }
            let old =
                metric < evidence.observations[index].old.count ? evidence.observations[index].old[metric] : Tally()
            let new =
                metric < evidence.observations[index].new.count ? evidence.observations[index].new[metric] : Tally()
            let entry = VersionEntry(device: device, old: old, new: new, ticks: covered[device])
            entries.append(entry)
            plain.append(
                DeviceLedger.Entry(
                    device: device, count: old.count + new.count, total: old.total + new.total, ticks: entry.ticks))
            guard counted[device] else { continue }
            if isCanary[device] {
                shown.canary += new
                if new.count > 0 { measuredAt.canary = tick }
            } else {
                shown.baseline += old
                if old.count > 0 { measuredAt.baseline = tick }
            }
        }
        ledger.add(plain, counted: counted)
        for index in sides.indices { sides[index].add(entries, counted: counted) }
    }

    // MARK: - Harm

    /// The metric's rows: two scores over two windows, for each way that harm goes.
    ///
    /// Failures are tested for any harm, all else for harm beyond its tolerance.
    func rows(weight: Double) -> [TestRow] {
        guard plan.group != .failures else { return rows(of: ledger, "", weight: weight) }
        return sides.flatMap { side in
            rows(
                of: side.ledger, sides.count == 1 ? "" : side.isDownward ? " downward" : " upward",
                weight: weight / Double(sides.count))
        }
    }

    private func rows(of ledger: DeviceLedger, _ way: String, weight: Double) -> [TestRow] {
        let decides = plan.mode == .guard
        func row(_ test: String, _ scores: ScoreRow) -> TestRow {
            TestRow(metric: plan.name, test: test + way, weight: weight / 4, decides: decides, scores: scores)
        }
        let last = "last \(ledger.longestWindowTicks) ticks"
        return [
            row("weighted since start", Scores.weighted(ledger.sinceStart, of: ledger)),
            row("capped since start", Scores.capped(ledger.sinceStart, of: ledger)),
            row("weighted \(last)", Scores.weighted(ledger.recent, of: ledger)),
            row("capped \(last)", Scores.capped(ledger.recent, of: ledger)),
        ]
    }

    /// Whether the estimated harm is at least halfway from none to the tolerance, over the window of the row that
    /// crossed.
    ///
    /// The last ticks are looked at anew every tick, and chance alone shows a trifle as large in some of them: there
    /// the estimate counts less one standard error, which is the estimate divided by its standardised sum.
    func isHarmful(test: String, _ standing: Standing) -> Bool {
        // Harm beyond the tolerance was what the row tested.
        guard plan.group == .failures else { return true }
        let isRecent = test.contains("last")
        let row = standing.look.rows.first { $0.metric == plan.name && $0.test == test }
        let arms = Arms(isRecent ? ledger.recent : ledger.sinceStart, standing)
        let part = isRecent ? min(1, Double(ledger.longestWindowTicks) / Double(max(1, standing.tick))) : 1
        let requests = standing.canaries.reduce(0) { $0 + ledger.requests[$1] } * part
        let excess = arms.canary.observed - arms.canary.scale * arms.othersRatio
        return plan.margin.isHalfReached(
            ratio: arms.ratio, excess: requests > 0 ? excess / requests : 0,
            certainty: isRecent ? 1 - 1 / max(1, row?.standardised ?? 1) : 1)
    }

    /// The capped score of harm of every device since the start, on what was measured.
    var harmScores: ScoreRow {
        let scores = Scores.cappedOfDevices(ledger.sinceStart, of: ledger)
        return plan.kind == .mean && plan.harm == .down ? scores.map { 0 &- $0 } : scores
    }

    /// Whether a device's failures are far beyond any doubt.
    var brokenDevices: [Bool] {
        guard plan.group == .failures else { return [] }
        let scores = CountScores(ledger.sinceStart)
        let bound = Double.log(1e6)
        return ledger.sinceStart.observed.indices.map { index in
            // The likelihood ratio never exceeds the failures' own part.
            ledger.sinceStart.observed[index] * Double.log(3) > bound
                && scores.logLikelihood(index, ratio: 3) > bound
        }
    }

    /// The places of the canaries that do worst against their expectation.
    func worst(of canaries: [Int], limit: Int) -> [Int] {
        let sign: Int64 = plan.harm == .down ? -1 : 1
        let scores = Scores.weighted(ledger.sinceStart, of: ledger, by: nil)
        return Array(canaries.sorted { (sign * scores[$0], $1) > (sign * scores[$1], $0) }.prefix(limit))
    }

    // MARK: - Judging

    /// The rows of its proofs of safety, one for each way that harm goes; nil for one that was made.
    var proofScores: [ScoreRow?] { sides.map(\.proofScores) }

    /// Looks at one of its proofs.
    mutating func look(_ sums: [Int64], side: Int, tick: Int) {
        sides[side].look(sums, tick: tick)
    }

    /// The metric's judgement at this tick.
    mutating func judgement(_ standing: Standing, crossed rows: [TestRowName]) -> MetricJudgement {
        let weakest = sides.map(\.last).min { $0.evidence < $1.evidence } ?? SafetyLook()
        let own = standing.look.rows.filter { $0.metric == plan.name }
        let strongest = own.max { $0.evidence < $1.evidence }
        let crossed = rows.filter { $0.metric == plan.name }
        // It costs more than all else: now and then, one metric after another, and whenever a decision may rest on it.
        let every = ledger.requests.count > 20_000 ? 20 : 5
        if (standing.tick + metric) % every == 0 || crossed.count > crossedCount {
            lastInterval = EffectInterval(ledger: ledger, metric: metric, seed: seed, standing)
        }
        crossedCount = crossed.count
        let isFailing = crossed.contains { isHarmful(test: $0.test, standing) }
        let arms = Arms(ledger.sinceStart, standing)
        return MetricJudgement(
            metric: plan.name, kind: plan.kind, harm: plan.harm, mode: plan.mode, margin: plan.margin,
            verdict: isFailing ? .fail : hasNoData(standing) ? .nodata : isProven ? .pass : .undecided,
            canaryValue: shown.canary.mean, baselineValue: shown.baseline.mean, canaryRequests: shown.canary.count,
            baselineRequests: shown.baseline.count, effect: plan.kind == .share ? arms.ratio : arms.difference,
            effectLower: lastInterval?.lower, effectUpper: lastInterval?.upper, evidence: strongest?.evidence ?? 0,
            strongestTest: strongest?.test ?? "", safetyEvidence: weakest.evidence,
            safetyBound: weakest.bound.isFinite ? weakest.bound : nil, isProven: isProven,
            isBaselineWorse: plan.group == .failures && own.contains { $0.evidenceBelow > standing.look.bound })
    }

    /// Exposed devices, and yet nothing measured on the new version or in the comparison, or no more for some ticks.
    private func hasNoData(_ standing: Standing) -> Bool {
        guard standing.exposedCount > 0, standing.tick > DeviceTracks.silenceTicks else { return false }
        // Absolute rules ask nothing of the others.
        let isAlone = standing.others.isEmpty || standing.experiment.plan.method == .absolute
        let newest = isAlone ? measuredAt.canary : min(measuredAt.canary, measuredAt.baseline)
        return shown.canary.count == 0 || standing.tick - newest >= DeviceTracks.silenceTicks
    }
}

/// What was measured against expectation, summed over the arms.
struct Arms {
    private(set) var canary = (observed: 0.0, scale: 0.0)
    private var others = (observed: 0.0, scale: 0.0)

    init(_ window: DeviceLedger.Window, _ standing: Standing) {
        for index in standing.canaries {
            canary.observed += window.observed[index]
            canary.scale += window.scale[index]
        }
        for index in standing.others {
            others.observed += window.observed[index]
            others.scale += window.scale[index]
        }
    }

    /// The others' failures against their expectation; half a failure is added everywhere, so that zero is ordinary.
    var othersRatio: Double { (others.observed + 0.5) / (others.scale + 0.5) }

    /// The canary's failures against expectation as a multiple of the others'.
    var ratio: Double { (canary.observed + 0.5) / (canary.scale + 0.5) / othersRatio }

    /// How far the canary's mean is above the others'.
    var difference: Double {
        (canary.scale > 0 ? canary.observed / canary.scale : 0)
            - (others.scale > 0 ? others.observed / others.scale : 0)
    }
}
