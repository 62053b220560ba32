import RealModule

/// How much of a test's level may be spent by which tick.
struct Spending: Sendable {
    /// The time, in ticks, after which spending slows down.
    static let tau = 4.0

    /// The level to be spent in all, in 0...1.
    let share: Double
    /// Ticks to the step's deadline: all but the late part is spent by then.
    let deadlineTicks: Int
    /// Ticks to the end of the watch: the late part is spread over them.
    let watchTicks: Int
    /// The part of the level that is spread evenly, in 0...1.
    var latePart = 0.2
    /// Nothing is spent before this tick.
    var firstTick = 0

    /// The level that may be spent up to the end of a tick, counted from 1.
    func spent(by tick: Int) -> Double {
        guard tick >= firstTick else { return 0 }
        let time = Double(tick)
        let early = min(1, Double.log(onePlus: time / Self.tau) / Double.log(onePlus: Double(deadlineTicks) / Self.tau))
        let late = min(1, time / Double(max(1, watchTicks)))
        return share * ((1 - latePart) * early + latePart * late)
    }
}

/// A permutation test that may be looked at every tick: at each, as many assignments as the spent level allows cross
/// for good, and the observed one is treated like all others.
struct SequentialTest: Sendable {
    /// The tick at which the observed assignment crossed; nil while it has not.
    private(set) var crossedAt: Int?
    private var isAlive: [Bool]
    private var crossed = 0
    private let spending: Spending

    init(assignments: Int, spending: Spending) {
        isAlive = [Bool](repeating: true, count: assignments)
        self.spending = spending
    }

    /// True where even the most extreme of all assignments could never cross.
    var canNeverCross: Bool { Int(spending.share * Double(isAlive.count)) < 1 }

    /// Looks at a tick: lets the most extreme assignments cross and returns the bound that had to be exceeded.
    ///
    /// Ties at the bound do not cross: the level is never exceeded.
    mutating func look(_ statistics: [Double], tick: Int) -> Double {
        let allowed = Int(spending.spent(by: tick) * Double(isAlive.count)) - crossed
        let alive = statistics.indices.filter { isAlive[$0] }.map { statistics[$0] }
        guard let largest = alive.max() else { return .infinity }
        guard allowed > 0 else { return largest }
        let bound =
            allowed < alive.count ? OrderStatistic.value(at: alive.count - 1 - allowed, of: alive) : -.infinity
        for index in statistics.indices where isAlive[index] && statistics[index] > bound {
            isAlive[index] = false
            crossed += 1
            if index == 0 { crossedAt = crossedAt ?? tick }
        }
        return bound
    }
}
