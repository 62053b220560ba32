import RealModule

/// The moments at which a forecast looks: every tick at first, later some are left out.
enum ForecastLooks {
    /// Counted ticks start behind the first heartbeat and the warm-up.
    static let uncountedTicks = 1 + DeviceTracks.warmUpTicks

    /// Lengths of the window since the start, in counted ticks; the one 20 ticks before each is among them.
    static func ofHarm(deadlineTicks: Int) -> [Int] {
        let last = deadlineTicks - uncountedTicks
        var looks: [Int] = []
        var ticks = 1
        while ticks <= last {
            looks.append(ticks)
            ticks += ticks < 60 ? 1 : ticks < 160 ? 2 : ticks < 1000 ? 4 : 20
        }
        return looks
    }

    /// The same from the soak's end on.
    static func ofProof(soakTicks: Int, deadlineTicks: Int) -> [Int] {
        let last = deadlineTicks - uncountedTicks
        var looks: [Int] = []
        var ticks = max(1, soakTicks - uncountedTicks)
        while ticks <= last {
            looks.append(ticks)
            ticks += max(1, ticks / 60)
        }
        return looks
    }
}

/// Standard normal random numbers from a seed: SplitMix64 and the polar method.
///
/// Source: Marsaglia and Bray, "A Convenient Method for Generating Normal Variables", 1964.
struct NormalStream {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The next two, independent of each other.
    @inline(__always)
    mutating func nextPair() -> (Double, Double) {
        while true {
            let x = 2 * uniform() - 1
            let y = 2 * uniform() - 1
            let square = x * x + y * y
            guard square < 1, square > 0 else { continue }
            let factor = Double.sqrt(-2 * Double.log(square) / square)
            return (x * factor, y * factor)
        }
    }

    /// So many of them.
    mutating func numbers(_ count: Int) -> [Double] {
        var numbers: [Double] = []
        numbers.reserveCapacity(count + 1)
        while numbers.count < count {
            let (first, second) = nextPair()
            numbers.append(first)
            numbers.append(second)
        }
        return Array(numbers.prefix(count))
    }

    @inline(__always)
    private mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
}

/// Many cohorts' sums over time as standard normal processes, one look after another.
///
/// A cohort's sum has a part that comes anew with every tick (counts are random) and a part that stays (its devices
/// differ from their histories). The capped score follows the weighted one as far as their correlation goes. Over the
/// last 20 ticks only what came anew in them counts.
struct NormalPaths {
    /// The standardised sums of one path at one look.
    struct Sums {
        var weighted = 0.0
        var capped = 0.0
        var weightedRecent = 0.0
        var cappedRecent = 0.0
    }

    let count: Int
    private var random: NormalStream
    private var now = 0
    private var counts: [Double]
    private var residues: [Double]
    private let standing: [Double]
    /// What the sums were at the looks of the last 20 ticks.
    private var past: [(ticks: Int, counts: [Double], residues: [Double])] = []
    /// What they were when the short window began.
    private var start: (ticks: Int, counts: [Double], residues: [Double])

    init(count: Int, seed: UInt64) {
        self.count = count
        random = NormalStream(seed: seed)
        counts = [Double](repeating: 0, count: count)
        residues = counts
        start = (0, counts, residues)
        var random = NormalStream(seed: seed ^ 0x5DEE_CE66_D000_0001)
        standing = random.numbers(count)
    }

    /// Goes on to a later look.
    mutating func advance(to ticks: Int) {
        past.append((now, counts, residues))
        let step = Double.sqrt(Double(ticks - now))
        var random = random
        for path in 0..<count {
            let (first, second) = random.nextPair()
            counts[path] += step * first
            residues[path] += step * second
        }
        self.random = random
        now = ticks
        let from = max(0, ticks - DeviceLedger.stepWindowTicks)
        let place = past.lastIndex { $0.ticks <= from } ?? 0
        past.removeFirst(place)
        start = past[0]
    }

    /// Says the sums of every path at the current look, in their order.
    @inline(__always)
    func forEachSums(_ moments: LookMoments, _ body: (_ path: Int, _ sums: Sums) -> Void) {
        let (since, recent) = (moments.sinceStart, moments.recent)
        let isLong = now > DeviceLedger.stepWindowTicks
        let root = 1 / Double.sqrt(Double(now))
        let rootOfRecent = 1 / Double.sqrt(Double(now - start.ticks))
        let (counts, residues, standing) = (counts.span, residues.span, standing.span)
        let (countsBefore, residuesBefore) = (start.counts.span, start.residues.span)
        for path in 0..<count {
            var sums = Sums()
            sums.weighted = since.fresh * counts[path] * root + since.lasting * standing[path]
            sums.capped = since.shared * sums.weighted + since.own * residues[path] * root
            sums.weightedRecent = sums.weighted
            sums.cappedRecent = sums.capped
            if isLong {
                sums.weightedRecent =
                    recent.fresh * (counts[path] - countsBefore[path]) * rootOfRecent
                    + recent.lasting * standing[path]
                sums.cappedRecent =
                    recent.shared * sums.weightedRecent
                    + recent.own * (residues[path] - residuesBefore[path]) * rootOfRecent
            }
            body(path, sums)
        }
    }
}

/// -ln of the upper tail of the standard normal distribution, read off a table.
struct TailTable {
    private static let lowest = -8.0
    private static let stepsPerUnit = 64.0
    private let values: [Double]

    init() {
        values = (0...(22 * 64)).map { NormalTail.minusLogUpper(Self.lowest + Double($0) / Self.stepsPerUnit) }
    }

    func evidence(_ z: Double) -> Double {
        let position = (max(Self.lowest, z) - Self.lowest) * Self.stepsPerUnit
        guard position < Double(values.count - 1) else { return NormalTail.minusLogUpper(z) }
        let step = Int(position)
        return values[step] + (values[step + 1] - values[step]) * (position - Double(step))
    }
}
