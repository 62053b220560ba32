import RealModule

/// One direction of one metric, with its measurements shifted to the edge of the tolerance: T(tolerance).
///
/// If every exposed device did exactly `margin` worse than it would have, then taking that much off again makes the
/// labels exchangeable: the failures of the new version are thinned by the ratio, the old version's successes are
/// flipped to failures for an absolute margin (which proves something even where nothing ever fails), a mean is moved.
/// A canary that still looks better than the others is proof that it does less harm than that; one that looks worse is
/// proof that it does more. Source: the labels are drawn by the controller, so the test is exact.
struct MetricSide: Sendable {
    /// Which way harm goes on this side.
    let isDownward: Bool
    /// The shifted measurements.
    private(set) var ledger: DeviceLedger
    /// Whether the proof of safety was made.
    var isProven: Bool { test.crossedAt != nil }
    /// True where no set of labels could make the proof.
    var canNeverProve: Bool { test.canNeverCross }

    private let margin: Margin
    /// The canaries' part of the list.
    private let part: Double
    private var test: SequentialTest
    private var chosen: ChosenEvents
    /// The latest look at the proof.
    private(set) var last = SafetyLook()

    init(
        plan: MetricPlan, isDownward: Bool, part: Double, offsets: [Double], units: Units?, seed: UInt64,
        stream: UInt32, blockTicks: Int, test: SequentialTest
    ) {
        self.part = part
        self.isDownward = isDownward
        self.test = test
        margin = plan.margin
        var offsets = isDownward ? offsets.map { plan.kind == .share ? 1 - $0 : -$0 } : offsets
        var probability = 0.0
        switch (plan.kind, plan.margin) {
        case (.mean, _):
            break
        case (.share, .relative(let factor)):
            probability = 1 - 1 / factor
        case (.share, .absolute(let share)):
            probability = share
            offsets = offsets.map { $0 + (1 - $0) * share }
        }
        ledger = DeviceLedger(
            kind: plan.kind, offsets: offsets, units: units, keepsRecent: plan.group != .failures,
            blockTicks: blockTicks)
        chosen = ChosenEvents(probability: probability, devices: offsets.count, seed: seed, stream: stream)
    }

    /// Credits a tick.
    mutating func add(_ entries: [VersionEntry], counted: [Bool]) {
        var shifted: [DeviceLedger.Entry] = []
        shifted.reserveCapacity(entries.count)
        for entry in entries {
            shifted.append(
                DeviceLedger.Entry(
                    device: entry.device, count: entry.old.count + entry.new.count, total: shiftedTotal(entry),
                    ticks: entry.ticks))
        }
        ledger.add(shifted, counted: counted)
    }

    private mutating func shiftedTotal(_ entry: VersionEntry) -> Double {
        let sign: Double = isDownward ? -1 : 1
        switch (ledger.kind, margin) {
        case (.mean, .absolute(let difference)):
            return sign * (entry.old.total + entry.new.total) - difference * entry.new.count
        case (.mean, .relative):
            return sign * (entry.old.total + entry.new.total)
        case (.share, .relative):
            let failures = failures(entry.new)
            return self.failures(entry.old) + failures - chosen.count(among: failures, of: entry.device)
        case (.share, .absolute):
            let old = failures(entry.old)
            return old + failures(entry.new) + chosen.count(among: entry.old.count - old, of: entry.device)
        }
    }

    private func failures(_ tally: Tally) -> Double {
        max(0, isDownward ? tally.count - tally.total : tally.total)
    }

    /// The row of the proof: larger where the canary does less harm; nil once the proof is made.
    var proofScores: ScoreRow? {
        guard !isProven else { return nil }
        switch ledger.kind {
        case .share:
            let ratio = margin.unharmedRatio(part: part, level: ledger.level)
            return Scores.capped(ledger.sinceStart, of: ledger, ratio: ratio, isClippedBelow: true)
        case .mean:
            // The harmful side of a mean is up; the likelihood of a share is that of failing less.
            return Scores.capped(ledger.sinceStart, of: ledger).map { 0 &- $0 }
        }
    }

    /// Looks at a tick: the sums of the proof's row over all assignments.
    ///
    /// Once the proof is made it stays, with the figures it was made with.
    mutating func look(_ sums: [Int64], tick: Int) {
        let statistics = sums.map { Double($0) }
        let bound = test.look(statistics, tick: tick)
        let reached = sums.count { $0 >= sums[0] }
        let above = statistics.count { $0 > bound }
        last = SafetyLook(
            evidence: Double.log(Double(sums.count) / Double(max(1, reached))),
            bound: above == 0 ? .infinity : Double.log(Double(sums.count) / Double(above)))
    }
}

/// The result of one look at the proof of safety: -ln of shares of assignments.
struct SafetyLook: Sendable {
    var evidence = 0.0
    var bound = Double.infinity
}

/// What one device measured on both versions in one tick.
struct VersionEntry: Sendable {
    let device: Int
    let old: Tally
    let new: Tally
    /// How many ticks it covers.
    let ticks: Int
}

/// Events of each device that are chosen independently with one probability, by the device's own random numbers: the
/// gaps between chosen events are geometric, so that only the chosen cost anything.
struct ChosenEvents: Sendable {
    private let probability: Double
    private let logMiss: Double
    private let seed: UInt64
    private let stream: UInt32
    /// How many events of each device are passed over before the next one is chosen; negative before the first.
    private var left: [Double]
    private var drawn: [UInt32]

    init(probability: Double, devices: Int, seed: UInt64, stream: UInt32) {
        self.probability = probability
        logMiss = Double.log(onePlus: -min(probability, 1))
        self.seed = seed
        self.stream = stream
        // Where nothing is chosen, as of a mean, nothing is remembered: a large list has many devices.
        left = [Double](repeating: -1, count: probability > 0 ? devices : 0)
        drawn = [UInt32](repeating: 0, count: probability > 0 ? devices : 0)
    }

    /// How many of a device's next events are chosen.
    mutating func count(among events: Double, of device: Int) -> Double {
        guard probability > 0, events > 0 else { return 0 }
        guard probability < 1 else { return events }
        var chosen = 0.0
        var rest = events
        var gap = left[device] < 0 ? nextGap(device) : left[device]
        while gap < rest {
            chosen += 1
            rest -= gap + 1
            gap = nextGap(device)
        }
        left[device] = gap - rest
        return chosen
    }

    private mutating func nextGap(_ device: Int) -> Double {
        let uniform = KeyedRandom.uniform(
            seed: seed, purpose: .proof, row: stream << 24 | UInt32(truncatingIfNeeded: device),
            column: UInt64(drawn[device]))
        drawn[device] &+= 1
        return (Double.log(onePlus: -uniform) / logMiss).rounded(.down)
    }
}
