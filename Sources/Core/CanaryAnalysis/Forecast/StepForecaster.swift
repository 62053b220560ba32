import RealModule

/// Forecasts one step: runs simulated processes through the judge's own spending and bounds.
///
/// The judge's rows are sums over many devices, so they behave as normal processes whose moments follow from counts,
/// from differences between devices and from the scores' own formulas. Null processes stand for the assignments and
/// give the bound of every look through ``SequentialTest``; processes with an effect are held against it.
public struct StepForecaster: Sendable {
    /// How much is simulated.
    public struct Effort: Hashable, Sendable {
        /// Null processes at most.
        public var assignments: Int
        /// Runs with an effect.
        public var runs: Int
        /// The key of everything random.
        public var seed: UInt64

        /// Chooses an effort; the default takes about a second for a step.
        public init(assignments: Int = 20_001, runs: Int = 1_000, seed: UInt64 = 1) {
            self.assignments = assignments
            self.runs = runs
            self.seed = seed
        }
    }

    let fleet: ForecastFleet
    let step: ForecastStep
    let effort: Effort
    /// The weight of each of the four rows of failures, and of other rows that compete with them.
    private let weight: Double
    private let nuisance: [Double]
    private let harmLooks: [Int]
    private let proofLooks: [Int]
    private let harmBounds: HarmBounds
    private let proofBounds: [Double]
    private let tail: TailTable

    /// Prepares the bounds of a step.
    ///
    /// - Parameters:
    ///   - fleet: what its devices are like.
    ///   - step: its size and plan.
    ///   - metrics: everything that will be judged; failures are forecast, the others compete for the budget.
    ///   - hasEvents: whether heartbeats go missing or devices crash now and then, so that those rows take part.
    ///   - effort: how much is simulated.
    public init(
        _ fleet: ForecastFleet, _ step: ForecastStep, metrics: [MetricPlan] = [], hasEvents: Bool = false,
        effort: Effort = Effort()
    ) {
        self.fleet = fleet
        self.step = step
        self.effort = effort
        let failures = MetricPlan(name: "failures", margin: step.margin)
        let others = metrics.filter { $0.name != failures.name && $0.mode == .guard }
        let weights = RowWeights([failures] + others)
        weight = weights.ofMetrics[0] / 4
        let ofEvent = weights.ofEvents / Double(EventKind.allCases.count)
        nuisance = weights.ofMetrics.dropFirst().map { $0 / 2 } + (hasEvents ? [ofEvent, ofEvent] : [])
        harmLooks = ForecastLooks.ofHarm(deadlineTicks: step.plan.deadlineTicks)
        proofLooks = ForecastLooks.ofProof(
            soakTicks: step.plan.soakTicks, deadlineTicks: step.plan.deadlineTicks)
        tail = TailTable()
        let rows = HarmBounds.Rows(weight: weight, nuisance: nuisance)
        let count = min(step.assignments, effort.assignments)
        harmBounds = HarmBounds(fleet, step, looks: harmLooks, rows: rows, assignments: count, seed: effort.seed)
        proofBounds = HarmBounds.ofProof(fleet, step, looks: proofLooks, assignments: count, seed: effort.seed)
    }

    // MARK: - Runs

    /// When a version that fails `effect` times as often is rolled back.
    public func detection(of effect: Double) -> ForecastTimes { detection(of: effect, canaries: step.canaries) }

    /// The same with another cohort, at the same bounds.
    func detection(
        of effect: Double, canaries: Int, runs: Int? = nil, isEnough share: Double = 1
    ) -> ForecastTimes {
        let runs = runs ?? effort.runs
        guard step.canDecide, canaries > 0, canaries < step.devices else {
            return ForecastTimes([Int?](repeating: nil, count: runs))
        }
        var step = step
        step.canaries = canaries
        let table = MomentTable(ScoreMoments(harmOf: effect, fleet, step), looks: harmLooks)
        var paths = NormalPaths(count: runs, seed: effort.seed &+ 2)
        var crossed = [Bool](repeating: false, count: runs)
        var found = [Int?](repeating: nil, count: runs)
        var left = Int((share * Double(runs)).rounded(.up))
        let offset = Double.log(weight)
        let enough = harmfulRatio
        let bounds = harmBounds.sets
        let assignments = Double(step.assignments)
        let list = FiniteList(devices: step.devices)
        for (look, ticks) in harmLooks.enumerated() where left > 0 {
            let moments = table.looks[look]
            paths.advance(to: ticks)
            paths.forEachSums(moments) { path, sums in
                guard found[path] == nil else { return }
                let run = ObservedRun(sums, moments, assignments: assignments, list: list)
                if !crossed[path] {
                    let bound = bounds[path % bounds.count][look]
                    crossed[path] = tail.evidence(run.largest) + offset > bound
                }
                guard crossed[path], run.ratio >= enough else { return }
                found[path] = harmLooks.tick(of: look, path: path)
                left -= 1
            }
        }
        return ForecastTimes(found)
    }

    /// When a version that fails `effect` times as often is shown to be within the tolerance.
    public func proof(of effect: Double = 1) -> ForecastTimes {
        let runs = effort.runs
        guard step.canDecide else { return ForecastTimes([Int?](repeating: nil, count: runs)) }
        let table = MomentTable(ScoreMoments(proofOf: effect, fleet, step), looks: proofLooks)
        var paths = NormalPaths(count: runs, seed: effort.seed &+ 3)
        let list = FiniteList(devices: step.devices)
        var proven = [Int?](repeating: nil, count: runs)
        for (look, ticks) in proofLooks.enumerated() {
            let moments = table.looks[look]
            paths.advance(to: ticks)
            let row = moments.sinceStart.capped
            paths.forEachSums(moments) { path, sums in
                guard proven[path] == nil else { return }
                let sum = row.shift + row.deviation * sums.capped
                let free = list.normal(NormalTail.withoutSkewness(sum, skewness: row.skewness))
                guard free > proofBounds[look] else { return }
                proven[path] = proofLooks.tick(of: look, path: path)
            }
        }
        return ForecastTimes(proven)
    }

    /// The estimated ratio from which on proven harm rolls back: halfway to the tolerance.
    private var harmfulRatio: Double { 1 + (step.toleratedRatio(fleet) - 1) / 2 }

    // MARK: - What can be seen

    /// The smallest effect that is found by the deadline in half of the runs; nil where not even a twentyfold one is.
    public func smallestEffect() -> Double? {
        let runs = max(200, effort.runs / 4)
        func isSeen(_ effect: Double) -> Bool {
            detection(of: effect, canaries: step.canaries, runs: runs, isEnough: 0.5).share >= 0.5
        }
        guard step.canDecide, isSeen(20) else { return nil }
        var (low, high) = (0.0, Double.log(20))
        for _ in 0..<8 {
            let middle = (low + high) / 2
            if isSeen(Double.exp(middle)) { high = middle } else { low = middle }
        }
        return Double.exp(high)
    }

    /// The smallest cohort from the same list that finds an effect by the deadline in half of the runs; nil where none
    /// does.
    public func cohortNeeded(toSee effect: Double) -> Int? {
        let runs = max(200, effort.runs / 4)
        func isSeen(_ canaries: Int) -> Bool {
            detection(of: effect, canaries: canaries, runs: runs, isEnough: 0.5).share >= 0.5
        }
        var (low, high) = (0, step.devices / 2)
        guard step.canDecide, high > 0, isSeen(high) else { return nil }
        while high - low > max(1, high / 50) {
            let middle = (low + high) / 2
            if isSeen(middle) { high = middle } else { low = middle }
        }
        return high
    }
}

extension [Int] {
    /// The tick of a look; what happened between two looks is spread evenly over the ticks between them.
    fileprivate func tick(of look: Int, path: Int) -> Int {
        let skipped = look > 0 ? self[look] - self[look - 1] : 1
        return self[look] + ForecastLooks.uncountedTicks - path % skipped
    }
}

/// The sums of draws from a list of so many: they are bounded, so a large one is rarer than a normal one would be.
private struct FiniteList {
    private let largest: Double
    private let freedom: Double
    private let factor: Double

    init(devices: Int) {
        largest = Double(max(1, devices - 1))
        freedom = Double(max(1, devices - 2))
        factor = (8 * freedom + 1) / (8 * freedom + 3)
    }

    /// The normal number that is as rare as a standardised sum: a correlation made a t, and that normal.
    ///
    /// Source: Wallace, "Bounds on Normal Approximations to Student's and the Chi-Square Distributions", 1959.
    func normal(_ sum: Double) -> Double {
        let share = min(0.999, sum * sum / largest)
        let size = factor * Double.sqrt(-freedom * Double.log(1 - share))
        return sum < 0 ? -size : size
    }
}

/// Where a run with an effect stands at one look.
private struct ObservedRun {
    let largest: Double
    /// The estimated ratio over the window whose row is the strongest.
    let ratio: Double

    init(_ sums: NormalPaths.Sums, _ moments: LookMoments, assignments: Double, list: FiniteList) {
        func free(_ row: RowMoments, _ sum: Double) -> Double {
            // The observed assignment is one of all: what it adds to their spread and skewness counts too.
            let z = row.shift + row.deviation * sum
            let spread = 1 + z * z / assignments
            let root = Double.sqrt(spread)
            return NormalTail.withoutSkewness(
                z / root, skewness: (row.skewness + z * z * z / assignments) / (spread * root))
        }
        func ratio(_ window: WindowMoments, _ sum: Double) -> Double {
            window.unit > 0 ? 1 + (window.weighted.shift + window.weighted.deviation * sum) / window.unit : 1
        }
        let since = max(
            free(moments.sinceStart.weighted, sums.weighted), free(moments.sinceStart.capped, sums.capped))
        let recent = max(
            free(moments.recent.weighted, sums.weightedRecent), free(moments.recent.capped, sums.cappedRecent))
        largest = list.normal(max(since, recent))
        self.ratio =
            since >= recent ? ratio(moments.sinceStart, sums.weighted) : ratio(moments.recent, sums.weightedRecent)
    }
}

extension ScoreMoments {
    init(harmOf effect: Double, _ fleet: ForecastFleet, _ step: ForecastStep) {
        self.init(
            harmOf: effect, fleet, canaries: step.canaries, devices: step.devices, exposedFrom: step.exposedFrom)
    }

    init(proofOf effect: Double, _ fleet: ForecastFleet, _ step: ForecastStep) {
        self.init(
            proofOf: effect, margin: step.margin, fleet, canaries: step.canaries, devices: step.devices,
            exposedFrom: step.exposedFrom)
    }
}
