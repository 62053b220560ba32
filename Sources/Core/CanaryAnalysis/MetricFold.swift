import RealModule

/// One metric of a step: its counts, its rows of the test of harm, and its proof of safety.
struct MetricFold: Sendable {
    let plan: MetricPlan
    private(set) var ledger: CountLedger
    private var safety: SafetyTest
    private let metric: Int
    private let seed: UInt64
    /// Counts in the judged window, for display: on the new version by canaries, on the old one by the others.
    private var shown = ShownCounts()
    private var isFlowing = (canary: false, baseline: false)
    private var lastInterval: EffectInterval?

    private struct ShownCounts {
        var canary = (requests: 0.0, failures: 0.0)
        var baseline = (requests: 0.0, failures: 0.0)
    }

    /// Whether the proof of safety can be made at all.
    var canNeverProve: Bool { safety.canNeverProve }

    /// The counts' scores since the step's start.
    var scores: Scores { Scores(observed: ledger.observed, expected: ledger.expected) }

    init(experiment: StepExperiment, metric: Int, assignments: Int) {
        plan = experiment.metrics[metric]
        self.metric = metric
        seed = experiment.seed
        let rates = HistoryOffset(
            experiment.devices.map { device in
                metric < device.history.count
                    ? device.history[metric] : Tally()
            }
        ).rates
        ledger = CountLedger(rates: rates)
        let spending = Spending(
            share: experiment.plan.proofLevel, deadlineTicks: experiment.plan.deadlineTicks,
            watchTicks: experiment.plan.watchTicks, firstTick: experiment.plan.soakTicks)
        safety = SafetyTest(
            margin: plan.margin, rates: rates, metric: metric, seed: experiment.seed,
            test: SequentialTest(assignments: assignments, spending: spending))
    }

    /// Credits a tick.
    mutating func credit(_ evidence: TickEvidence, silentBefore: [Int], counted: (Int) -> Bool) {
        var entries: [VersionEntry] = []
        for one in evidence.observations where one.wasHeard && one.device < silentBefore.count {
            let entry = VersionEntry(
                device: one.device, old: metric < one.old.count ? one.old[metric] : Tally(),
                new: metric < one.new.count ? one.new[metric] : Tally(), ticks: silentBefore[one.device] + 1)
            entries.append(entry)
            if counted(one.device) { show(entry, isCommanded: one.isCommanded) }
        }
        ledger.add(
            entries.map { entry in
                CountLedger.Entry(
                    device: entry.device, requests: entry.old.count + entry.new.count,
                    failures: entry.old.total + entry.new.total, ticks: entry.ticks)
            }, counted: counted)
        safety.add(entries, counted: counted)
    }

    private mutating func show(_ entry: VersionEntry, isCommanded: Bool) {
        shown.canary.requests += entry.new.count
        shown.canary.failures += entry.new.total
        guard !isCommanded else { return }
        shown.baseline.requests += entry.old.count
        shown.baseline.failures += entry.old.total
    }

    // MARK: - Harm

    /// The metric's rows: two scores over two windows.
    func rows(weight: Double) -> [TestRow] {
        let recent = ledger.recent()
        let short = Scores(observed: recent.observed, expected: recent.expected)
        let long = scores
        let decides = plan.mode == .guard
        func row(_ test: String, _ scores: ScoreRow) -> TestRow {
            TestRow(metric: plan.name, test: test, weight: weight / 4, decides: decides, scores: scores)
        }
        return [
            row("weighted since start", long.weighted()),
            row("capped since start", long.likelihood(ratio: 1.5)),
            row("weighted last \(CountLedger.windowTicks) ticks", short.weighted()),
            row("capped last \(CountLedger.windowTicks) ticks", short.likelihood(ratio: 1.5)),
        ]
    }

    /// Whether the estimated harm is at least halfway from none to the tolerance, over the window of the row that
    /// crossed.
    func isHarmful(test: String, _ standing: Standing) -> Bool {
        let isShort = test.contains("last")
        let recent = isShort ? ledger.recent() : (ledger.observed, ledger.expected)
        let arms = Arms(observed: recent.0, expected: recent.1, standing)
        switch plan.margin {
        case .relative(let factor):
            return arms.effect >= 1 + (factor - 1) / 2
        case .absolute(let share):
            let requests = standing.canaries.reduce(0) { $0 + ledger.requests[$1] }
            guard requests > 0 else { return false }
            let excess = arms.canaryObserved - arms.canaryExpected * arms.othersRatio
            return excess / requests >= share / 2
        }
    }

    /// The places of the canaries that fail most against their expectation.
    func worst(of canaries: [Int], limit: Int) -> [Int] {
        let scores = scores.weighted()
        return Array(canaries.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(limit))
    }

    // MARK: - Judging

    /// The metric's judgement at this tick; makes the look at its proof of safety.
    mutating func judgement(_ standing: Standing, crossing: TestRowName?) -> MetricJudgement {
        let look = safety.look(over: standing.assignments, tick: standing.tick)
        let arms = Arms(observed: ledger.observed, expected: ledger.expected, standing)
        let strongest = standing.look.rows.filter { $0.metric == plan.name }.max { $0.evidence < $1.evidence }
        if standing.tick % 5 == 0 || crossing != nil && lastInterval == nil {
            lastInterval = EffectInterval(ledger: ledger, metric: metric, seed: seed, standing)
        }
        let isFailing = crossing?.metric == plan.name && isHarmful(test: crossing?.test ?? "", standing)
        return MetricJudgement(
            metric: plan.name, mode: plan.mode, margin: plan.margin,
            verdict: isFailing ? .fail : hasNoData(standing) ? .nodata : safety.isProven ? .pass : .undecided,
            canaryValue: Self.share(shown.canary), baselineValue: Self.share(shown.baseline),
            canaryRequests: shown.canary.requests, baselineRequests: shown.baseline.requests, effect: arms.effect,
            effectLower: lastInterval?.lower, effectUpper: lastInterval?.upper, evidence: strongest?.evidence ?? 0,
            strongestTest: strongest?.test ?? "", safetyEvidence: look.evidence,
            safetyBound: look.bound.isFinite ? look.bound : nil, isProven: safety.isProven)
    }

    /// Exposed devices, and yet no requests on either the new version or in the comparison.
    private func hasNoData(_ standing: Standing) -> Bool {
        guard standing.exposedCount > 0, standing.tick > DeviceTracks.silenceTicks else { return false }
        return shown.canary.requests == 0 || (shown.baseline.requests == 0 && !standing.others.isEmpty)
    }

    private static func share(_ counts: (requests: Double, failures: Double)) -> Double? {
        counts.requests > 0 ? counts.failures / counts.requests : nil
    }
}

/// Observed and expected failures summed over the arms.
struct Arms {
    let canaryObserved: Double
    let canaryExpected: Double
    let othersRatio: Double
    /// The canary's ratio to expectation against the others'; half a failure is added everywhere, so that zero is
    /// ordinary.
    let effect: Double

    init(observed: [Double], expected: [Double], _ standing: Standing) {
        func sum(_ values: [Double], _ places: [Int]) -> Double { places.reduce(0) { $0 + values[$1] } }
        canaryObserved = sum(observed, standing.canaries)
        canaryExpected = sum(expected, standing.canaries)
        othersRatio = (sum(observed, standing.others) + 0.5) / (sum(expected, standing.others) + 0.5)
        effect = (canaryObserved + 0.5) / (canaryExpected + 0.5) / othersRatio
    }
}
