import RealModule

/// What evidence must exceed at each look, by null processes that run through the judge's own sequential test.
struct HarmBounds: Sendable {
    /// The weights of the rows that compete.
    struct Rows {
        /// Each of the four rows of failures.
        let weight: Double
        /// Other rows, each a process of its own.
        let nuisance: [Double]
    }

    /// Each run of a judge draws assignments of its own, so bounds scatter while few of them may cross.
    private static let setCount = 5
    /// Later they rest on many and differ little from set to set.
    private static let scatteredLooks = 24

    /// For each set one bound per look.
    let sets: [[Double]]

    init(
        _ fleet: ForecastFleet, _ step: ForecastStep, looks: [Int], rows: Rows, assignments: Int, seed: UInt64
    ) {
        guard step.canDecide else {
            sets = [looks.map { _ in .infinity }]
            return
        }
        var sets = (0..<Self.setCount).map { set in
            NullRows(
                paths: NormalPaths(count: assignments, seed: seed &+ 1_000 &* UInt64(set)),
                race: NullRace(count: assignments, spending: step.plan.spending))
        }
        var nuisance = NuisanceRows(rows.nuisance, count: assignments)
        let tail = TailTable()
        let table = MomentTable(ScoreMoments(harmOf: 1, fleet, step), looks: looks)
        for (look, (ticks, moments)) in zip(looks, table.looks).enumerated() {
            let strongest = nuisance.evidence(at: ticks, moments, tail)
            let isScattered = look < Self.scatteredLooks
            for set in 0..<(isScattered ? sets.count : 1) {
                sets[set].look(ticks, moments, weight: rows.weight, beside: strongest, tail)
            }
        }
        let ofAllLooks = sets[0].bounds
        self.sets = sets.map { $0.bounds + ofAllLooks.dropFirst($0.bounds.count) }
    }

    /// The bounds of the proof, for a version that changes nothing.
    static func ofProof(
        _ fleet: ForecastFleet, _ step: ForecastStep, looks: [Int], assignments: Int, seed: UInt64
    ) -> [Double] {
        guard step.canDecide else { return looks.map { _ in .infinity } }
        let plan = step.plan
        let table = MomentTable(ScoreMoments(proofOf: 1, fleet, step), looks: looks)
        var paths = NormalPaths(count: assignments, seed: seed &+ 1)
        var race = NullRace(
            count: paths.count,
            spending: Spending(
                share: plan.proofLevel, deadlineTicks: plan.deadlineTicks, watchTicks: plan.watchTicks,
                firstTick: plan.soakTicks))
        return zip(looks, table.looks).map { ticks, moments in
            paths.advance(to: ticks)
            var statistics = [Double](repeating: 0, count: paths.count)
            paths.forEachSums(moments) { statistics[$0] = $1.capped }
            return race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks)
        }
    }
}

/// The processes of the four rows of failures, and the bounds at the looks that they have had.
private struct NullRows {
    var paths: NormalPaths
    var race: NullRace
    private(set) var bounds: [Double] = []

    /// Goes on to a look.
    ///
    /// - Parameter others: for each process the evidence of the rows beside failures.
    mutating func look(
        _ ticks: Int, _ moments: LookMoments, weight: Double, beside others: [Double], _ tail: TailTable
    ) {
        let offset = Double.log(weight)
        var statistics = others
        paths.advance(to: ticks)
        paths.forEachSums(moments) { path, sums in
            let largest = max(max(sums.weighted, sums.capped), max(sums.weightedRecent, sums.cappedRecent))
            statistics[path] = max(statistics[path], tail.evidence(largest) + offset)
        }
        bounds.append(race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks))
    }
}

/// The processes of rows that compete with failures: the same ones beside every set.
private struct NuisanceRows {
    private var paths: [NormalPaths]
    private let offsets: [Double]
    private let count: Int

    init(_ weights: [Double], count: Int) {
        self.count = count
        offsets = weights.map { Double.log($0) }
        paths = weights.indices.map { NormalPaths(count: count, seed: 77 &+ UInt64($0)) }
    }

    /// Goes on to a look: for each process the strongest of the rows' evidence, minus infinity where there is no row.
    mutating func evidence(at ticks: Int, _ moments: LookMoments, _ tail: TailTable) -> [Double] {
        var strongest = [Double](repeating: -.infinity, count: count)
        for (index, offset) in offsets.enumerated() {
            paths[index].advance(to: ticks)
            paths[index].forEachSums(moments) { path, sums in
                strongest[path] = max(strongest[path], tail.evidence(sums.weighted) + offset)
            }
        }
        return strongest
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
