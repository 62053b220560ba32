import RealModule

/// T(margin): proof that the canary's failures are within the margin.
///
/// If every exposed device failed at least `margin` times as often as it would have, then thinning the failures of the
/// new version by that factor makes the labels exchangeable again, and a canary that still looks better than the others
/// is proof of the opposite. For an absolute margin the old version's successes are flipped to failures instead, which
/// proves something even where nothing ever fails. Source: the labels are drawn by the controller, so the test is
/// exact.
struct SafetyTest: Sendable {
    /// Whether the proof was made.
    var isProven: Bool { test.crossedAt != nil }
    /// True where no set of labels could make the proof.
    var canNeverProve: Bool { test.canNeverCross }

    private var ledger: CountLedger
    private var test: SequentialTest
    private let margin: Margin
    private let ratio: Double
    private let seed: UInt64
    private let stream: UInt32
    /// How many failures (relative) or successes (absolute) of each device were numbered so far.
    private var numbered: [UInt64]

    init(margin: Margin, rates: [Double], metric: Int, seed: UInt64, test: SequentialTest) {
        self.margin = margin
        self.seed = seed
        stream = UInt32(truncatingIfNeeded: metric) << 24
        self.test = test
        numbered = rates.map { _ in 0 }
        switch margin {
        case .relative(let factor):
            ratio = 1 / factor
            ledger = CountLedger(rates: rates)
        case .absolute(let share):
            let mean = rates.reduce(0, +) / Double(max(1, rates.count))
            ratio = max(0.05, mean / (mean + (1 - mean) * share))
            ledger = CountLedger(rates: rates.map { $0 + (1 - $0) * share })
        }
    }

    /// Credits a tick.
    mutating func add(_ entries: [VersionEntry], counted: (Int) -> Bool) {
        let changed = entries.map { entry in
            CountLedger.Entry(
                device: entry.device, requests: entry.old.count + entry.new.count,
                failures: Double(changedFailures(entry)), ticks: entry.ticks)
        }
        ledger.add(changed, counted: counted)
    }

    /// Looks at a tick and returns the evidence of safety and what it must reach.
    mutating func look(over assignments: Assignments, tick: Int) -> (evidence: Double, bound: Double) {
        let scores = Scores(observed: ledger.observed, expected: ledger.expected)
        let sums = assignments.sums(of: scores.likelihood(ratio: ratio, isClippedBelow: true))
        let bound = test.look(sums.map { Double($0) }, tick: tick)
        let observed = Double(sums[0])
        return (Self.minusLogRank(of: observed, in: sums), Self.minusLogRank(above: bound, in: sums))
    }

    private mutating func changedFailures(_ entry: VersionEntry) -> UInt64 {
        switch margin {
        case .relative(let factor):
            return UInt64(entry.old.total)
                + count(UInt64(entry.new.total), of: entry.device) { $0 < 1 / factor }
        case .absolute(let share):
            let successes = UInt64(max(0, entry.old.count - entry.old.total))
            return UInt64(entry.old.total + entry.new.total) + count(successes, of: entry.device) { $0 < share }
        }
    }

    /// How many of a device's next `number` events are chosen by their own random numbers.
    private mutating func count(_ number: UInt64, of device: Int, where isChosen: (Double) -> Bool) -> UInt64 {
        var chosen: UInt64 = 0
        for event in numbered[device]..<(numbered[device] + number) {
            let uniform = KeyedRandom.uniform(
                seed: seed, purpose: .proof, row: stream | UInt32(truncatingIfNeeded: device), column: event)
            if isChosen(uniform) { chosen += 1 }
        }
        numbered[device] += number
        return chosen
    }

    private static func minusLogRank(of value: Double, in sums: [Int64]) -> Double {
        let reached = sums.count { Double($0) >= value }
        return Double.log(Double(sums.count) / Double(max(1, reached)))
    }

    private static func minusLogRank(above bound: Double, in sums: [Int64]) -> Double {
        let above = sums.count { Double($0) > bound }
        return above == 0 ? .infinity : Double.log(Double(sums.count) / Double(above))
    }
}

/// What one device counted on both versions in one tick.
struct VersionEntry {
    let device: Int
    let old: Tally
    let new: Tally
    /// How many ticks the counts cover.
    let ticks: Int
}
