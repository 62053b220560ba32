internal import RecordedFleets

/// Gathers rows into ticks and ends every tick in its turn, also those without rows.
struct TickFeed {
    /// The judge that the ticks are for.
    private(set) var judge: RecordingJudge
    private let tickSeconds: Double
    private let judged: (Double, [RecordingJudge.StepTick]) -> Void
    /// The tick that rows are gathered for; nil before the first row.
    private var tick: Int?
    private var rows: [RecordedRow] = []

    /// The most ticks of a recording.
    static let tickLimit = 1_000_000

    /// Starts with the first tick.
    init(_ fleet: RecordedFleet, judged: @escaping (Double, [RecordingJudge.StepTick]) -> Void) {
        judge = RecordingJudge(fleet)
        tickSeconds = fleet.policy.tickSeconds
        self.judged = judged
    }

    /// The tick in which a time lies: it ends at the next multiple of the tick's length, or now.
    ///
    /// Nil where no recording is as long as that.
    func tick(of time: Double) -> Int? {
        let ticks = time / tickSeconds
        let nearest = ticks.rounded()
        let place = abs(ticks - nearest) < 1e-6 ? nearest : ticks.rounded(.up)
        return abs(place) <= Double(Self.tickLimit) ? Int(place) : nil
    }

    /// Makes `next` the tick that rows are gathered for; false where it is over already.
    mutating func go(to next: Int) -> Bool {
        var current = tick ?? min(1, next)
        guard next >= current else { return false }
        while current < next {
            end(current)
            current += 1
        }
        tick = current
        return true
    }

    /// Adds a row to the tick.
    mutating func add(_ row: RecordedRow) { rows.append(row) }

    /// Ends the last tick.
    mutating func finish() {
        if let tick { end(tick) }
        tick = nil
    }

    private mutating func end(_ tick: Int) {
        let time = Double(tick) * tickSeconds
        judged(time, judge.endTick(at: time, rows: rows))
        rows.removeAll(keepingCapacity: true)
    }
}
