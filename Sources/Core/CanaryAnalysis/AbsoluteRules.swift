import RealModule

/// The rules that judge a step whose list no test can serve: they ask of every canary what can be asked of one device
/// alone.
///
/// No crash, no failed start, no failed update, no silence, no metric clearly worse than the device's own history.
/// (Absolute limits are the step's own, as for every step.) Keeping them proves nothing: it is said to be "not proven".
///
/// **Own history**: given how many failures a device had before and has now in all, how many of them fall on the new
/// version is binomial if the version changes nothing; the exact tail decides, so that a thin history is worth no more
/// than it is. Where the other devices of the list have got worse by themselves, the history is raised by as much.
/// Source: Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31,
/// 1940. It is looked at when the soak is over and in ticks that grow by a tenth; all looks up to the end of the watch
/// share the level of 0.001 equally.
struct AbsoluteRules: Sendable {
    /// The chance that failures as random as a coin's break the rule of one metric on one device.
    static let level = 0.001
    /// What a broken rule is called.
    static let test = "absolute rule"
    /// What the rule of own history is called.
    static let historyTest = "own history"

    /// A metric that is clearly worse than a canary's own history.
    private struct Worse: Sendable {
        let device: Int
        let metric: Int
        let isDownward: Bool
        let evidence: Double
        let bound: Double
    }

    private let experiment: StepExperiment
    private let looks: Looks
    private let canaries: [Int]
    /// Per canary, in the order of `canaries`, and metric: what it measured on the new version.
    private var measured: [[Tally]]
    /// Per metric: what the others measured on the old version, and what their histories say of that.
    private var others: [(measured: Tally, expected: Double)]
    private var crashed: Set<Int> = []
    private var failedToStart: Set<Int> = []
    private var worse: [Worse] = []

    init(_ experiment: StepExperiment) {
        self.experiment = experiment
        looks = Looks(soakTicks: experiment.plan.soakTicks, watchTicks: experiment.plan.watchTicks)
        canaries = experiment.devices.indices.filter { experiment.devices[$0].isCanary }
        measured = canaries.map { _ in experiment.metrics.map { _ in Tally() } }
        others = experiment.metrics.map { _ in (Tally(), 0) }
    }

    // MARK: - Folding

    /// Credits a tick.
    mutating func credit(_ evidence: TickEvidence, tracks: [DeviceTracks.Track], counted: [Bool], tick: Int) {
        for one in evidence.observations where one.device < tracks.count {
            guard let place = canaries.firstIndex(of: one.device) else {
                if counted[one.device] { compare(one) }
                continue
            }
            // What happened in the tick of the command may have happened before it.
            if let commanded = tracks[one.device].commandedAt, commanded < tick {
                if one.crashes > 0 { crashed.insert(one.device) }
                if one.failedStarts > 0 { failedToStart.insert(one.device) }
            }
            for (metric, tally) in one.new.prefix(experiment.metrics.count).enumerated() {
                measured[place][metric] += tally
            }
        }
        if looks.contains(tick) { look() }
    }

    /// Another device of the list, which has the old version.
    private mutating func compare(_ one: DeviceObservation) {
        for (metric, tally) in one.old.prefix(experiment.metrics.count).enumerated() {
            guard let share = history(one.device, metric).mean else { continue }
            others[metric].measured += tally
            others[metric].expected += tally.count * share
        }
    }

    private func history(_ device: Int, _ metric: Int) -> Tally {
        let history = experiment.devices[device].history
        return metric < history.count ? history[metric] : Tally()
    }

    private mutating func look() {
        let level = Self.level / Double(looks.count)
        for (place, device) in canaries.enumerated() {
            for metric in experiment.metrics.indices where !isWorse(device, metric) {
                let found = ways(metric).map { (isDownward: $0, comparison(place, metric, isDownward: $0).chance) }
                guard let (isDownward, chance) = found.first(where: { $0.1 < level }) else { continue }
                worse.append(
                    Worse(
                        device: device, metric: metric, isDownward: isDownward, evidence: -Double.log(chance),
                        bound: -Double.log(level)))
            }
        }
    }

    private func isWorse(_ device: Int, _ metric: Int) -> Bool {
        worse.contains { $0.device == device && $0.metric == metric }
    }

    /// The ways in which a metric is compared with history; none for what is only watched, and for means.
    private func ways(_ metric: Int) -> [Bool] {
        let plan = experiment.metrics[metric]
        guard plan.mode == .guard, plan.kind == .share else { return [] }
        return plan.harm == .either ? [false, true] : [plan.harm == .down]
    }

    private func comparison(_ place: Int, _ metric: Int, isDownward: Bool) -> HistoryComparison {
        let measured = measured[place][metric]
        let history = history(canaries[place], metric)
        let others = others[metric]
        guard isDownward else {
            return HistoryComparison(
                measured: measured, history: history,
                raised: max(1, (others.measured.total + 0.5) / (others.expected + 0.5)))
        }
        return HistoryComparison(
            measured: measured.complement, history: history.complement,
            raised: max(
                1, (others.measured.complement.total + 0.5) / (others.measured.count - others.expected + 0.5)))
    }

    // MARK: - Judging

    /// The rule that is broken, the most urgent one first; nil while all are kept.
    func broken(_ standing: Standing) -> HarmFinding? {
        if let device = crashed.min() { return event("crashes", device, "crashed on the new version") }
        if let device = failedToStart.min() { return event("failed_starts", device, "failed to start the new version") }
        if let device = canaries.first(where: { standing.tracks[$0].hasFailedUpdate }) {
            return event("updates", device, "failed to update, or went back by itself", reason: "updates_failing")
        }
        if !isSilenceCommon(standing), let device = canaries.first(where: { standing.tracks[$0].wasSilent }) {
            return event("silence", device, "was silent for \(DeviceTracks.silenceTicks) ticks while others report")
        }
        return worse.lazy.compactMap(finding).first
    }

    /// A canary that is silent while at least half of the others are or were, which no version explains.
    func commonSilence(_ standing: Standing) -> HoldReason? {
        guard isSilenceCommon(standing), canaries.contains(where: { standing.tracks[$0].wasSilent }) else { return nil }
        return HoldReason(
            code: "silence_everywhere",
            sentence: "the canary was silent, and so were at least half of the other devices; look at what they share")
    }

    private func isSilenceCommon(_ standing: Standing) -> Bool {
        let silent = standing.others.count { standing.tracks[$0].wasSilent }
        return silent > 0 && 2 * silent >= standing.others.count
    }

    private func event(
        _ name: String, _ device: Int, _ what: String, reason: String = "rule_broken"
    ) -> HarmFinding {
        HarmFinding(
            reason: reason, metric: name, test: Self.test, evidence: 1, bound: 0, effect: 1, suspect: nil,
            sentence: "canary \(experiment.devices[device].id) \(what); a list too small for a test is judged by "
                + "absolute rules, and none may be broken")
    }

    /// Worse than its history and by enough to matter: at least halfway to the tolerance.
    private func finding(_ worse: Worse) -> HarmFinding? {
        guard let place = canaries.firstIndex(of: worse.device) else { return nil }
        let plan = experiment.metrics[worse.metric]
        let found = comparison(place, worse.metric, isDownward: worse.isDownward)
        guard found.isHarmful(plan.margin) else { return nil }
        return HarmFinding(
            reason: "rule_broken", metric: plan.name, test: Self.historyTest, evidence: worse.evidence,
            bound: worse.bound, effect: found.ratio, suspect: nil,
            sentence: "canary \(experiment.devices[worse.device].id) shows \(figure(found.ratio)) times the "
                + "\(plan.name)\(worse.isDownward ? " missing" : "") of its own history (-ln p of "
                + "\(figure(worse.evidence)) against \(figure(worse.bound)))")
    }
}

/// The ticks at which a tail is looked at, so that few looks share its level: the first ten, then ever more apart by a
/// tenth, and the end of the soak.
struct Looks: Sendable {
    private let ticks: Set<Int>
    private let lastTick: Int

    init(soakTicks: Int, watchTicks: Int) {
        var ticks: Set<Int> = [max(1, soakTicks)]
        var tick = 1
        while tick <= max(soakTicks, watchTicks) {
            ticks.insert(tick)
            tick += max(1, tick / 10)
        }
        self.ticks = ticks
        lastTick = max(1, soakTicks, watchTicks)
    }

    /// How many there are up to the end of the watch.
    var count: Int { ticks.count }

    /// Whether a tick is among them; after the planned watch every tenth is.
    func contains(_ tick: Int) -> Bool { ticks.contains(tick) || (tick > lastTick && tick % 10 == 0) }
}

/// What one device measured on the new version against its own history.
struct HistoryComparison {
    let measured: Tally
    let history: Tally
    /// How much more the history would say today, at least 1.
    let raised: Double

    /// The exact chance of so many failures on the new version if it changes nothing.
    var chance: Double {
        // What decayed to fractions is rounded against a finding: more failures on fewer requests.
        let before = history.total.rounded(.up)
        let requests = max(0, (history.count).rounded(.down))
        guard measured.count > 0, requests > 0 else { return 1 }
        let exposure = measured.count * raised
        return BinomialTail.probability(
            atLeast: Int(measured.total.rounded(.down)), of: Int(before + measured.total.rounded(.down)),
            chance: exposure / (exposure + requests))
    }

    private var share: Double { (measured.total + 0.5) / (measured.count + 1) }
    private var expected: Double { raised * (history.total + 0.5) / (history.count + 1) }

    /// The new version's share against the history's; half a failure is added to each, so that zero is ordinary.
    var ratio: Double { share / expected }

    /// Whether the harm is at least halfway from none to what is tolerated.
    func isHarmful(_ margin: Margin) -> Bool {
        margin.isHalfReached(ratio: ratio, excess: share - expected)
    }
}

extension Tally {
    /// The requests that did not fail.
    fileprivate var complement: Tally { Tally(count: count, total: max(0, count - total)) }
}
