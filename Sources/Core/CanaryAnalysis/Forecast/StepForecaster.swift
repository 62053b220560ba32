import RealModule

/// A step that is forecast: how large it is and what it may spend.
public struct ForecastStep: Hashable, Sendable {
    /// Devices on its list.
    public var devices: Int
    /// Devices drawn from it.
    public var canaries: Int
    /// What is spent when.
    public var plan: TestPlan
    /// What is tolerated of failures.
    public var margin: Margin
    /// The tick from whose counts on canaries are expected to run the new version.
    public var exposedFrom: Int

    /// Describes a step.
    public init(devices: Int, canaries: Int, plan: TestPlan, margin: Margin, exposedFrom: Int = 3) {
        self.devices = devices
        self.canaries = canaries
        self.plan = plan
        self.margin = margin
        self.exposedFrom = exposedFrom
    }

    /// How many assignments the judge will compare: all where they are few, else a sample.
    public var assignments: Int {
        let possible = Self.possible(devices, canaries)
        return possible <= Double(Assignments.enumerationLimit)
            ? Int(possible) : max(Assignments.sampleSize, Int((20 / plan.share).rounded(.up))) + 1
    }

    /// Whether any set of labels can reach the bound of harm, and that of proof.
    public var canDecide: Bool {
        let count = Double(assignments)
        return canaries > 0 && canaries < devices && Int(plan.share * count) >= 1
            && Int(plan.proofLevel * count) >= 1
    }

    static func possible(_ all: Int, _ chosen: Int) -> Double {
        let chosen = min(chosen, all - chosen)
        guard chosen > 0 else { return 1 }
        var product = 1.0
        for index in 1...chosen {
            product *= Double(all - chosen + index) / Double(index)
            if product > 1e12 { break }
        }
        return product.rounded()
    }
}

/// When something happens among many runs.
public struct ForecastTimes: Hashable, Sendable {
    /// The tick of each run in which it happened, sorted.
    public let ticks: [Int]
    /// All runs.
    public let runs: Int

    /// Collects runs: the tick of each, nil where it did not happen by the deadline.
    public init(_ ticks: [Int?]) {
        self.ticks = ticks.compactMap { $0 }.sorted()
        runs = ticks.count
    }

    /// The share of runs in which it happened.
    public var share: Double { runs > 0 ? Double(ticks.count) / Double(runs) : 0 }

    /// The tick by which it happened in a share of all runs; nil where it did not in so many.
    ///
    /// Many runs share a tick, so it is read off between the ticks: one tick that all share is itself.
    public func tick(by share: Double) -> Double? {
        let wanted = share * Double(runs)
        let place = Int(wanted.rounded(.up)) - 1
        guard place >= 0, place < ticks.count else { return nil }
        let tick = ticks[place]
        let before = ticks.count { $0 < tick }
        let within = ticks.count { $0 == tick }
        return Double(tick) - 0.5 + (wanted - Double(before)) / Double(within)
    }
}

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
    /// One bound per look, by several sets of assignments: each run of a judge draws its own.
    private let harmBounds: [[Double]]
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
        guard step.canDecide else {
            harmBounds = [harmLooks.map { _ in .infinity }]
            proofBounds = proofLooks.map { _ in .infinity }
            return
        }
        let count = min(step.assignments, effort.assignments)
        let table = MomentTable(ScoreMoments(harmOf: 1, fleet, step), looks: harmLooks)
        var bounds: [[Double]] = []
        for set in 0..<Self.boundSets {
            // Later, bounds rest on many assignments each, and differ little from set to set.
            let looks = set == 0 ? harmLooks[...] : harmLooks.prefix(Self.scatteredLooks)
            let own = Self.harmBounds(
                table, Array(looks), plan: step.plan,
                paths: NormalPaths(count: count, seed: effort.seed &+ 1_000 &* UInt64(set)), rows: (weight, nuisance),
                tail: tail)
            bounds.append(own + (bounds.first ?? []).dropFirst(own.count))
        }
        harmBounds = bounds
        proofBounds = Self.proofBounds(
            MomentTable(ScoreMoments(proofOf: 1, fleet, step), looks: proofLooks), proofLooks, plan: step.plan,
            paths: NormalPaths(count: count, seed: effort.seed &+ 1))
    }

    private static let boundSets = 5
    private static let scatteredLooks = 24

    // MARK: - Bounds

    private static func harmBounds(
        _ table: MomentTable, _ looks: [Int], plan: TestPlan, paths: NormalPaths,
        rows: (weight: Double, nuisance: [Double]), tail: TailTable
    ) -> [Double] {
        var paths = paths
        var others = rows.nuisance.indices.map { NormalPaths(count: paths.count, seed: 77 &+ UInt64($0)) }
        var race = NullRace(
            count: paths.count,
            spending: Spending(
                share: plan.share, deadlineTicks: plan.deadlineTicks, watchTicks: plan.watchTicks))
        let offset = Double.log(rows.weight)
        let offsets = rows.nuisance.map { Double.log($0) }
        return zip(looks, table.looks).map { ticks, moments in
            paths.advance(to: ticks)
            for index in others.indices { others[index].advance(to: ticks) }
            let statistics = (0..<paths.count).map { path in
                let sums = paths.sums(of: path, moments)
                let largest = max(max(sums.weighted, sums.capped), max(sums.weightedRecent, sums.cappedRecent))
                var evidence = tail.evidence(largest) + offset
                for index in others.indices {
                    evidence = max(
                        evidence, tail.evidence(others[index].sums(of: path, moments).weighted) + offsets[index])
                }
                return evidence
            }
            return race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks)
        }
    }

    private static func proofBounds(
        _ table: MomentTable, _ looks: [Int], plan: TestPlan, paths: NormalPaths
    ) -> [Double] {
        var paths = paths
        var race = NullRace(
            count: paths.count,
            spending: Spending(
                share: plan.proofLevel, deadlineTicks: plan.deadlineTicks, watchTicks: plan.watchTicks,
                firstTick: plan.soakTicks))
        return zip(looks, table.looks).map { ticks, moments in
            paths.advance(to: ticks)
            let statistics = (0..<paths.count).map { paths.sums(of: $0, moments).capped }
            return race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks)
        }
    }

    // MARK: - Runs

    /// When a version that fails `effect` times as often is rolled back.
    public func detection(of effect: Double) -> ForecastTimes { detection(of: effect, canaries: step.canaries) }

    /// The same with another cohort, at the same bounds.
    func detection(of effect: Double, canaries: Int, runs: Int? = nil) -> ForecastTimes {
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
        var left = runs
        let offset = Double.log(weight)
        let enough = harmfulRatio
        let assignments = Double(step.assignments)
        for (look, ticks) in harmLooks.enumerated() where left > 0 {
            let moments = table.looks[look]
            paths.advance(to: ticks)
            for path in 0..<runs where found[path] == nil {
                let sums = paths.sums(of: path, moments)
                let run = ObservedRun(sums, moments, assignments: assignments)
                if !crossed[path] {
                    let bound = harmBounds[path % harmBounds.count][look]
                    crossed[path] = tail.evidence(run.largest) + offset > bound
                }
                guard crossed[path], run.ratio >= enough else { continue }
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
        var proven = [Int?](repeating: nil, count: runs)
        for (look, ticks) in proofLooks.enumerated() {
            let moments = table.looks[look]
            paths.advance(to: ticks)
            for path in 0..<runs where proven[path] == nil {
                let row = moments.sinceStart.capped
                let sum = row.shift + row.deviation * paths.sums(of: path, moments).capped
                guard NormalTail.withoutSkewness(sum, skewness: row.skewness) > proofBounds[look] else { continue }
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
            detection(of: effect, canaries: step.canaries, runs: runs).share >= 0.5
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
            detection(of: effect, canaries: canaries, runs: runs).share >= 0.5
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

extension ForecastStep {
    /// The tolerance as a ratio of failures.
    public func toleratedRatio(_ fleet: ForecastFleet) -> Double {
        switch margin {
        case .relative(let factor): factor
        case .absolute(let share): 1 + share * (1 - fleet.failureRate) / fleet.failureRate
        }
    }
}

/// The judge's sequential test over null processes, and what an observed one would have to beat at each look.
private struct NullRace {
    private var test: SequentialTest
    private var hasCrossed: [Bool]

    init(count: Int, spending: Spending) {
        test = SequentialTest(assignments: count, spending: spending)
        hasCrossed = [Bool](repeating: false, count: count)
    }

    /// The weakest of those that cross at a look; infinite where none may.
    ///
    /// An observed assignment that is stronger takes its place.
    mutating func look(_ statistics: [Double], tick: Int) -> Double {
        let bound = test.look(statistics, tick: tick)
        var weakest = Double.infinity
        for index in statistics.indices where !hasCrossed[index] && statistics[index] > bound {
            hasCrossed[index] = true
            weakest = min(weakest, statistics[index])
        }
        return weakest
    }
}

extension [Int] {
    /// The tick of a look; what happened between two looks is spread evenly over the ticks between them.
    fileprivate func tick(of look: Int, path: Int) -> Int {
        let skipped = look > 0 ? self[look] - self[look - 1] : 1
        return self[look] + ForecastLooks.uncountedTicks - path % skipped
    }
}

/// Where a run with an effect stands at one look.
private struct ObservedRun {
    let largest: Double
    /// The estimated ratio over the window whose row is the strongest.
    let ratio: Double

    init(_ sums: NormalPaths.Sums, _ moments: LookMoments, assignments: Double) {
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
        largest = max(since, recent)
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
