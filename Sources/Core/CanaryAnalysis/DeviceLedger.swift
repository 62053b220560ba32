/// What every device measured of one metric against what was expected of it, since the step's start and over the last
/// ticks.
///
/// Expectations are history offsets moved by a factor (of a mean: a difference) per tick that the whole list shares, so
/// waves and incidents of the fleet cancel; it is computed without regard to who is a canary. A judged tick is never
/// rewritten: what arrives after a gap covers the gap and is credited in the tick of its arrival, against the factors
/// of the ticks it covers.
struct DeviceLedger: Sendable {
    /// How many blocks of ticks the short window has.
    static let windowBlocks = 20
    /// The length of a step's short window, in ticks: a step's blocks are single ticks.
    static let stepWindowTicks = windowBlocks

    /// One window's sums of every device.
    struct Window: Sendable {
        /// Of a share the failures, of a mean the deviations from expectation.
        fileprivate(set) var observed: [Double]
        /// Of a share the expected failures, of a mean the requests.
        fileprivate(set) var scale: [Double]

        fileprivate init(count: Int) {
            observed = [Double](repeating: 0, count: count)
            scale = observed
        }

        /// The sums of every unit; itself where devices are the units.
        func summed(by units: Units?) -> Window {
            guard let units else { return self }
            var window = self
            window.observed = units.sums(observed)
            window.scale = units.sums(scale)
            return window
        }
    }

    /// What one device measured in a tick.
    struct Entry: Sendable {
        let device: Int
        let count: Double
        let total: Double
        /// How many ticks it covers: more than 1 after a gap.
        let ticks: Int
    }

    let kind: MetricPlan.Kind
    /// What the sums are compared by; nil where it is the devices.
    let units: Units?
    /// Since the step's start.
    private(set) var sinceStart: Window
    /// Over the last ticks; stays empty where it is not kept.
    private(set) var recent: Window
    /// Requests since the step's start.
    var requests: [Double] { kind == .mean ? sinceStart.scale : requestsOfShare }
    /// The same of a share; stays empty for a mean, whose scale they are.
    private var requestsOfShare: [Double]
    /// Of a mean: the squared deviations of every device and tick by their requests, and how many there were.
    private(set) var scatter = (sum: 0.0, count: 0.0)

    /// The expected share or mean of each device by its history.
    private let offsets: [Double]
    /// The sum of the fleet's factors up to each tick.
    private var factors = [0.0]
    private let keepsRecent: Bool
    /// How many ticks make a block: the short window moves on by blocks, the last of which may be under way.
    private let blockTicks: Int
    /// The last blocks in a ring, so many numbers apiece.
    private var ring: [(observed: NarrowColumn, scale: NarrowColumn)] = []

    /// The longest that the short window is, in ticks.
    var longestWindowTicks: Int { Self.windowBlocks * blockTicks }

    init(
        kind: MetricPlan.Kind, offsets: [Double], units: Units? = nil, keepsRecent: Bool, blockTicks: Int = 1
    ) {
        self.blockTicks = blockTicks
        self.kind = kind
        self.units = units
        self.offsets = offsets
        self.keepsRecent = keepsRecent
        sinceStart = Window(count: offsets.count)
        recent = Window(count: keepsRecent ? offsets.count : 0)
        requestsOfShare = kind == .share ? sinceStart.observed : []
    }

    /// Credits a tick.
    ///
    /// Entries of devices that are `counted` are inside their device's window; all entries make the fleet's factor.
    mutating func add(_ entries: [Entry], counted: [Bool]) {
        factors.append(factors[factors.count - 1] + factor(of: entries))
        var tick = (
            observed: [Float](repeating: 0, count: keepsRecent ? offsets.count : 0),
            scale: [Float](repeating: 0, count: keepsRecent ? offsets.count : 0)
        )
        for entry in entries where counted[entry.device] {
            let covered = min(entry.ticks, factors.count - 1)
            let factor = (factors[factors.count - 1] - factors[factors.count - 1 - covered]) / Double(covered)
            var observed = entry.total
            var scale = entry.count
            switch kind {
            case .share:
                scale = entry.count * offsets[entry.device] * factor
            case .mean:
                observed -= entry.count * (offsets[entry.device] + factor)
                if entry.count > 0 {
                    scatter.sum += observed * observed / entry.count
                    scatter.count += 1
                }
            }
            sinceStart.observed[entry.device] += observed
            sinceStart.scale[entry.device] += scale
            if kind == .share { requestsOfShare[entry.device] += entry.count }
            if keepsRecent {
                tick.observed[entry.device] = Float(observed)
                tick.scale[entry.device] = Float(scale)
            }
        }
        if keepsRecent { push(tick) }
    }

    /// Of a share: that of the whole list since the start; 0 without requests.
    var level: Double {
        let requests = requests.reduce(0, +)
        return requests > 0 ? sinceStart.observed.reduce(0, +) / requests : 0
    }

    /// The ledger of a mean with so much more for every request of some devices, since the start.
    func movedBy(_ difference: Double, of devices: [Bool]) -> DeviceLedger {
        var moved = self
        for index in offsets.indices where devices[index] {
            moved.sinceStart.observed[index] += difference * sinceStart.scale[index]
        }
        return moved
    }

    /// What the whole list measured in a tick against its histories: a ratio of shares, a difference of means.
    private func factor(of entries: [Entry]) -> Double {
        var measured = 0.0
        var expected = 0.0
        for entry in entries {
            let ticks = Double(entry.ticks)
            switch kind {
            case .share:
                measured += entry.total / ticks
                expected += entry.count / ticks * offsets[entry.device]
            case .mean:
                measured += (entry.total - entry.count * offsets[entry.device]) / ticks
                expected += entry.count / ticks
            }
        }
        return expected > 0 ? measured / expected : 0
    }

    private mutating func push(_ tick: (observed: [Float], scale: [Float])) {
        let (number, tickOfBlock) = (factors.count - 2).quotientAndRemainder(dividingBy: blockTicks)
        let place = number % Self.windowBlocks
        guard tickOfBlock == 0 else { return grow(place, by: tick) }
        let leaving = ring.count == Self.windowBlocks ? values(of: place) : nil
        for index in offsets.indices {
            recent.observed[index] += Double(tick.observed[index])
            recent.scale[index] += Double(tick.scale[index])
            if let leaving {
                recent.observed[index] -= Double(leaving.observed[index])
                recent.scale[index] -= Double(leaving.scale[index])
                // What is left of sums and differences of the same numbers is rounding.
                if abs(recent.scale[index]) < 1e-9 { recent.scale[index] = 0 }
            }
        }
        let block = (NarrowColumn(tick.observed), NarrowColumn(tick.scale))
        if leaving != nil { ring[place] = block } else { ring.append(block) }
    }

    /// Adds a tick to the block that is under way; the window takes what the block's rounded sums grow by, so that it
    /// can be taken off again.
    private mutating func grow(_ place: Int, by tick: (observed: [Float], scale: [Float])) {
        var grown = values(of: place)
        for index in offsets.indices {
            let (observed, scale) = (grown.observed[index], grown.scale[index])
            grown.observed[index] = observed + tick.observed[index]
            grown.scale[index] = scale + tick.scale[index]
            recent.observed[index] += Double(grown.observed[index]) - Double(observed)
            recent.scale[index] += Double(grown.scale[index]) - Double(scale)
        }
        ring[place] = (NarrowColumn(grown.observed), NarrowColumn(grown.scale))
    }

    private func values(of place: Int) -> (observed: [Float], scale: [Float]) {
        (ring[place].observed.values, ring[place].scale.values)
    }
}
