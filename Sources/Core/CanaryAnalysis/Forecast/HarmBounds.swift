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
        let tail = TailTable()
        let table = MomentTable(ScoreMoments(harmOf: 1, fleet, step), looks: looks)
        var bounds: [[Double]] = []
        for set in 0..<Self.setCount {
            let own = Self.bounds(
                table, Array(set == 0 ? looks[...] : looks.prefix(Self.scatteredLooks)), plan: step.plan,
                paths: NormalPaths(count: assignments, seed: seed &+ 1_000 &* UInt64(set)), rows: rows, tail: tail)
            bounds.append(own + (bounds.first ?? []).dropFirst(own.count))
        }
        sets = bounds
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
            for path in statistics.indices { statistics[path] = paths.sums(of: path, moments).capped }
            return race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks)
        }
    }

    private static func bounds(
        _ table: MomentTable, _ looks: [Int], plan: TestPlan, paths: NormalPaths, rows: Rows, tail: TailTable
    ) -> [Double] {
        var paths = paths
        var others = rows.nuisance.indices.map { NormalPaths(count: paths.count, seed: 77 &+ UInt64($0)) }
        var race = NullRace(count: paths.count, spending: plan.spending)
        let offset = Double.log(rows.weight)
        let offsets = rows.nuisance.map { Double.log($0) }
        return zip(looks, table.looks).map { ticks, moments in
            paths.advance(to: ticks)
            var statistics = [Double](repeating: 0, count: paths.count)
            for path in statistics.indices {
                let sums = paths.sums(of: path, moments)
                let largest = max(max(sums.weighted, sums.capped), max(sums.weightedRecent, sums.cappedRecent))
                statistics[path] = tail.evidence(largest) + offset
            }
            for index in others.indices {
                others[index].advance(to: ticks)
                let other = others[index]
                for path in statistics.indices {
                    let evidence = tail.evidence(other.sums(of: path, moments).weighted) + offsets[index]
                    statistics[path] = max(statistics[path], evidence)
                }
            }
            return race.look(statistics, tick: ticks + ForecastLooks.uncountedTicks)
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
