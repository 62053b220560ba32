/// Observed and expected failures of every device for one metric: since the step's start and over the last ticks.
///
/// Expectations are history offsets scaled by a factor per tick that the whole list shares, so waves and incidents of
/// the fleet cancel; it is computed without regard to who is a canary. A judged tick is never rewritten.
struct CountLedger {
    /// The length of the short window, in ticks.
    static let windowTicks = 20

    /// Failures since the step's start.
    private(set) var observed: [Double]
    /// Expected failures since the step's start.
    private(set) var expected: [Double]
    /// Requests since the step's start.
    private(set) var requests: [Double]
    /// Failures and expected failures of the last ticks, oldest first.
    private var window: [(observed: [Double], expected: [Double])] = []
    /// The fleet's factor of every tick so far.
    private var factors: [Double] = []
    private let rates: [Double]

    init(rates: [Double]) {
        self.rates = rates
        observed = rates.map { _ in 0 }
        expected = observed
        requests = observed
    }

    /// What one device counted in a tick.
    struct Entry {
        let device: Int
        let requests: Double
        let failures: Double
        /// How many ticks the counts cover: more than 1 after a gap.
        let ticks: Int
    }

    /// Credits a tick.
    ///
    /// `counted` entries are those inside their device's window; all entries make the fleet's factor.
    mutating func add(_ entries: [Entry], counted: (Int) -> Bool) {
        var failures = 0.0
        var expectation = 0.0
        for entry in entries {
            failures += entry.failures / Double(entry.ticks)
            expectation += entry.requests / Double(entry.ticks) * rates[entry.device]
        }
        factors.append(expectation > 0 ? failures / expectation : 0)
        var tick = (observed: rates.map { _ in 0.0 }, expected: rates.map { _ in 0.0 })
        for entry in entries where counted(entry.device) {
            let covered = factors.suffix(entry.ticks)
            let factor = covered.reduce(0, +) / Double(covered.count)
            tick.observed[entry.device] += entry.failures
            tick.expected[entry.device] += entry.requests * rates[entry.device] * factor
            requests[entry.device] += entry.requests
        }
        for index in rates.indices {
            observed[index] += tick.observed[index]
            expected[index] += tick.expected[index]
        }
        window.append(tick)
        if window.count > Self.windowTicks { window.removeFirst() }
    }

    /// Observed and expected failures of the last ticks.
    func recent() -> (observed: [Double], expected: [Double]) {
        var sum = (observed: rates.map { _ in 0.0 }, expected: rates.map { _ in 0.0 })
        for tick in window {
            for index in rates.indices {
                sum.observed[index] += tick.observed[index]
                sum.expected[index] += tick.expected[index]
            }
        }
        return sum
    }
}
