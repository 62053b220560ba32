import RealModule

/// What one row's sum over the cohort looks like at one look, in standard deviations of all assignments' sums.
struct RowMoments {
    /// Where the observed cohort stands on average.
    var shift = 0.0
    /// How far the observed cohort strays from that.
    var deviation = 1.0
    /// The skewness of all assignments' sums.
    var skewness = 0.0
}

/// How one window's rows behave: what the processes are made of and where the observed cohort stands.
struct WindowMoments {
    /// The part of the weighted sum that comes anew with every tick; its square and that of `lasting` add up to 1.
    var fresh = 1.0
    /// The part that stays.
    var lasting = 0.0
    /// The correlation of the capped sum with the weighted one.
    var shared = 1.0
    /// What of the capped sum is its own.
    var own = 0.0
    var weighted = RowMoments()
    var capped = RowMoments()
    /// By how much the weighted sum moves where the canary's failures are one more times those of the others.
    var unit = 1.0
}

/// Both windows at one look.
struct LookMoments {
    var sinceStart = WindowMoments()
    var recent = WindowMoments()
}

/// A cohort, a list and what the version does: how the judge's rows behave at any look.
struct ScoreMoments {
    /// One class of devices: its counts before and after an exposure.
    private struct Arm {
        let share: Double
        let base: Double
        let moved: Double
        let baseSpread: Double
        let movedSpread: Double
    }

    /// One class in one arm: its points, its expectation, its part of the list.
    private struct Cell {
        let isCanary: Bool
        let part: Double
        let expected: Double
        let mean: Double
        let spread: Double
        let points: CountPoints
    }

    private let arms: [Arm]
    private let canaries: Double
    private let devices: Double
    private let exposedFrom: Int
    private let ratio: Double
    private let isProof: Bool
    private var part: Double { canaries / devices }

    /// The test of harm with a version that fails `effect` times as often.
    init(harmOf effect: Double, _ fleet: ForecastFleet, canaries: Int, devices: Int, exposedFrom: Int) {
        self.init(canaries: canaries, devices: devices, exposedFrom: exposedFrom, ratio: 1.5, isProof: false, fleet) {
            let base = $0.requests * $0.rate
            return Arm(
                share: $0.share, base: base, moved: min(base * effect, $0.requests), baseSpread: $0.spread,
                movedSpread: $0.spread)
        }
    }

    /// The proof that a version which fails `effect` times as often is within its tolerance.
    init(
        proofOf effect: Double, margin: Margin, _ fleet: ForecastFleet, canaries: Int, devices: Int, exposedFrom: Int
    ) {
        let part = Double(canaries) / Double(devices)
        switch margin {
        case .relative(let factor):
            self.init(
                canaries: canaries, devices: devices, exposedFrom: exposedFrom,
                ratio: margin.unharmedRatio(part: part, level: fleet.failureRate), isProof: true, fleet
            ) {
                let base = $0.requests * $0.rate
                return Arm(
                    share: $0.share, base: base, moved: base * effect / factor, baseSpread: $0.spread,
                    movedSpread: $0.spread)
            }
        case .absolute(let share):
            let mean = fleet.failureRate
            let level = mean + (1 - part) * (1 - mean) * share
            self.init(
                canaries: canaries, devices: devices, exposedFrom: exposedFrom,
                ratio: margin.unharmedRatio(part: part, level: level), isProof: true, fleet
            ) {
                let own = $0.requests * $0.rate
                let base = own + ($0.requests - own) * share
                let diluted = base > 0 ? own / base : 1
                return Arm(
                    share: $0.share, base: base, moved: own * effect, baseSpread: $0.spread * diluted * diluted,
                    movedSpread: $0.spread)
            }
        }
    }

    private init(
        canaries: Int, devices: Int, exposedFrom: Int, ratio: Double, isProof: Bool, _ fleet: ForecastFleet,
        _ arm: (ForecastFleet.DeviceClass) -> Arm
    ) {
        self.canaries = Double(canaries)
        self.devices = Double(devices)
        self.exposedFrom = exposedFrom
        self.ratio = ratio
        self.isProof = isProof
        arms = fleet.classes.map(arm)
    }

    /// The moments once so many ticks count.
    func moments(_ ticks: Int) -> LookMoments {
        let tick = ticks + ForecastLooks.uncountedTicks
        let exposed = max(0, min(ticks, tick - exposedFrom + 1))
        let since = window(ticks: Double(ticks), exposed: Double(exposed))
        guard ticks > DeviceLedger.stepWindowTicks, !isProof else {
            return LookMoments(sinceStart: since, recent: since)
        }
        let window = DeviceLedger.stepWindowTicks
        return LookMoments(
            sinceStart: since, recent: self.window(ticks: Double(window), exposed: Double(min(window, exposed))))
    }

    private func window(ticks: Double, exposed: Double) -> WindowMoments {
        let cells = cells(ticks: ticks, exposed: exposed)
        let spread = Self.judgedSpread(cells)
        var moments = WindowMoments()
        var (fresh, lasting, slope) = (0.0, 0.0, 0.0)
        for cell in cells {
            let weight = 1 / (1 + spread * cell.expected)
            let size = cell.part * weight * weight
            fresh += size * cell.mean
            lasting += size * cell.spread * cell.mean * cell.mean
        }
        for arm in arms {
            let expected = arm.base * ticks
            slope += arm.share * expected / (1 + spread * expected)
        }
        if fresh + lasting > 0 {
            moments.fresh = Double.sqrt(fresh / (fresh + lasting))
            moments.lasting = Double.sqrt(lasting / (fresh + lasting))
        }
        let sums = ScoreSums(cells.map { ($0.isCanary, $0.part, $0.expected, $0.points) }) { count, expected in
            (
                (count - expected) / (1 + spread * expected), capped(count, expected, spread: spread)
            )
        }
        moments.weighted = sums.row(.weighted, canaries: canaries, devices: devices)
        moments.capped = sums.row(.capped, canaries: canaries, devices: devices)
        moments.shared = sums.correlation
        moments.own = Double.sqrt(max(0, 1 - moments.shared * moments.shared))
        let scale = sums.deviation(.weighted, canaries: canaries, devices: devices)
        moments.unit = scale > 0 ? canaries * (1 - part) * slope / scale : 0
        return moments
    }

    private func capped(_ count: Double, _ expected: Double, spread: Double) -> Double {
        let relative = expected * spread
        let value =
            count * Double.log(ratio)
            + (count + 1 / spread) * (Double.log(onePlus: relative) - Double.log(onePlus: ratio * relative))
        let clipped = min(value, Scores.cap)
        return isProof ? max(clipped, -Scores.cap) : clipped
    }

    private func cells(ticks: Double, exposed: Double) -> [Cell] {
        let base = arms.reduce(0) { $0 + $1.share * $1.base }
        let moved = arms.reduce(0) { $0 + $1.share * $1.moved }
        let factor = base > 0 ? part * (moved / base - 1) : 0
        return arms.flatMap { arm in
            [false, true].map { isCanary in
                let old = arm.base * (isCanary ? ticks - exposed : ticks)
                let new = isCanary ? arm.moved * exposed : 0
                let mean = old + new
                let lasting = Double.sqrt(arm.baseSpread) * old + Double.sqrt(arm.movedSpread) * new
                let spread = mean > 0 ? lasting * lasting / (mean * mean) : 0
                return Cell(
                    isCanary: isCanary, part: arm.share * (isCanary ? part : 1 - part),
                    expected: arm.base * (ticks + factor * exposed), mean: mean, spread: spread,
                    points: CountPoints(mean: mean, spread: spread))
            }
        }
    }

    /// The heterogeneity that the judge will see: moments without the 2 % largest residuals.
    private static func judgedSpread(_ cells: [Cell]) -> Double {
        var points: [(ratio: Double, weight: Double, expected: Double)] = []
        for cell in cells where cell.expected > 0 {
            for (value, weight) in zip(cell.points.values, cell.points.weights) {
                let difference = value / cell.expected - 1
                points.append((difference * difference, weight * cell.part, cell.expected))
            }
        }
        points.sort { $0.ratio < $1.ratio }
        var left = 0.98 * points.reduce(0) { $0 + $1.weight }
        var (excess, squares) = (0.0, 0.0)
        for point in points where left > 0 {
            let weight = min(left, point.weight)
            left -= weight
            let square = point.expected * point.expected
            excess += weight * (point.ratio * square - point.expected)
            squares += weight * square
        }
        return squares > 0 ? max(1e-3, excess / squares) : 1e-3
    }
}

/// Moments of both scores over the list and over each arm.
private struct ScoreSums {
    enum Row { case weighted, capped }

    /// Sums of one score: weight, first, second and third power, by arm.
    private struct Powers {
        var weight = 0.0
        var first = 0.0
        var second = 0.0
        var third = 0.0

        mutating func add(_ value: Double, _ weight: Double) {
            self.weight += weight
            first += weight * value
            second += weight * value * value
            third += weight * value * value * value
        }

        var mean: Double { weight > 0 ? first / weight : 0 }
        var variance: Double { weight > 0 ? max(0, second / weight - mean * mean) : 0 }
        var thirdCentral: Double {
            weight > 0 ? third / weight - 3 * mean * second / weight + 2 * mean * mean * mean : 0
        }

        static func + (left: Powers, right: Powers) -> Powers {
            Powers(
                weight: left.weight + right.weight, first: left.first + right.first,
                second: left.second + right.second, third: left.third + right.third)
        }
    }

    private var weighted = (canary: Powers(), others: Powers())
    private var capped = (canary: Powers(), others: Powers())
    private var product = 0.0

    init(
        _ cells: [(isCanary: Bool, part: Double, expected: Double, points: CountPoints)],
        score: (Double, Double) -> (Double, Double)
    ) {
        for cell in cells {
            for (value, weight) in zip(cell.points.values, cell.points.weights) {
                let (plain, clipped) = score(value, cell.expected)
                let weight = weight * cell.part
                product += weight * plain * clipped
                if cell.isCanary {
                    weighted.canary.add(plain, weight)
                    capped.canary.add(clipped, weight)
                } else {
                    weighted.others.add(plain, weight)
                    capped.others.add(clipped, weight)
                }
            }
        }
    }

    private func arms(_ row: Row) -> (canary: Powers, others: Powers) { row == .weighted ? weighted : capped }

    /// The standard deviation of all assignments' sums.
    func deviation(_ row: Row, canaries: Double, devices: Double) -> Double {
        let (canary, others) = arms(row)
        let part = canaries / devices
        return Double.sqrt(canaries * (1 - part) * devices / max(1, devices - 1) * (canary + others).variance)
    }

    /// Sampling without replacement: the sums of all assignments, and the one that has the canaries.
    func row(_ row: Row, canaries: Double, devices: Double) -> RowMoments {
        let (canary, others) = arms(row)
        let all = canary + others
        let part = canaries / devices
        let deviation = deviation(row, canaries: canaries, devices: devices)
        guard deviation > 0 else { return RowMoments(shift: 0, deviation: 0, skewness: 0) }
        let own = canaries * (1 - part) * ((1 - part) * canary.variance + part * others.variance)
        let third = canaries * (1 - part) * (1 - 2 * part) * all.thirdCentral
        return RowMoments(
            shift: canaries * (canary.mean - all.mean) / deviation, deviation: Double.sqrt(own) / deviation,
            skewness: third / (deviation * deviation * deviation))
    }

    /// The correlation of both scores over the list.
    var correlation: Double {
        let plain = weighted.canary + weighted.others
        let clipped = capped.canary + capped.others
        let spread = Double.sqrt(plain.variance * clipped.variance)
        guard spread > 0 else { return 1 }
        return max(-1, min(1, (product / plain.weight - plain.mean * clipped.mean) / spread))
    }
}
