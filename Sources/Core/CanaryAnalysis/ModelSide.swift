import RealModule

/// One direction of one metric's harm, judged by a model of devices.
struct ModelSide: Sendable {
    /// What one device measured in a tick.
    struct Entry: Sendable {
        let device: Int
        let unit: Int
        let old: Tally
        let new: Tally
        let isCanary: Bool
        let isCommanded: Bool
    }

    static let harmRatios = [1.1, 1.25, 1.5, 2, 3, 5, 10, 20]
    static let safeRatios = [1, 0.8, 0.5]

    let metric: Int
    let provesSafety: Bool
    /// ln of what the bet on harm has won by the latest look.
    private(set) var harmEvidence = 0.0
    /// The same of the bet on safety; it stays where the proof was made.
    private(set) var safetyEvidence = 0.0
    private(set) var isProven = false

    private let isDownward: Bool
    private let offsets: [Double]
    private var harm: RatioBet
    private var safety: RatioBet
    /// Only where the tolerance is absolute.
    private var rate: RateBet?

    /// - Parameter offsets: the share expected of each device by its history.
    init(metric: Int, plan: MetricPlan, isDownward: Bool, provesSafety: Bool, offsets: [Double], units: Int) {
        self.metric = metric
        self.isDownward = isDownward
        self.provesSafety = provesSafety
        let offsets = isDownward ? offsets.map { max(1e-9, 1 - $0) } : offsets
        self.offsets = offsets
        let edge = plan.margin.ratio(history: offsets.reduce(0, +) / Double(max(1, offsets.count)))
        // Failures are tested for any harm at all, everything else for harm beyond its tolerance.
        let harmless = plan.group == .failures ? 1 : edge
        harm = RatioBet(on: Self.harmRatios.map { $0 * harmless }, against: harmless, units: units)
        safety = RatioBet(on: Self.safeRatios, against: edge, units: provesSafety ? units : 0)
        if provesSafety, case .absolute(let share) = plan.margin { rate = RateBet(against: share, units: units) }
    }

    /// Credits a tick.
    ///
    /// Harm counts from the command on: who is quick to update must not matter. Safety is that of the new version's own
    /// counts, which a late update cannot dilute.
    mutating func add(_ entries: [Entry]) {
        harm.add(
            entries.map { entry in
                var tilted = Tally()
                if entry.isCommanded {
                    tilted = entry.old
                    tilted += entry.new
                }
                return betEntry(entry, tilted: tilted)
            })
        guard provesSafety else { return }
        safety.add(entries.map { betEntry($0, tilted: $0.isCanary ? $0.new : Tally()) })
        for entry in entries where entry.isCanary {
            let failures = failures(entry.new)
            rate?.add(failures, of: entry.new.count, unit: entry.unit)
        }
    }

    private func betEntry(_ entry: Entry, tilted: Tally) -> RatioBet.Entry {
        let offset = offsets[entry.device]
        return RatioBet.Entry(
            unit: entry.unit, failures: failures(entry.old) + failures(entry.new),
            expected: (entry.old.count + entry.new.count) * offset,
            tiltedFailures: failures(tilted), tiltedExpected: tilted.count * offset)
    }

    private func failures(_ tally: Tally) -> Double { isDownward ? max(0, tally.count - tally.total) : tally.total }

    /// Looks at the bets.
    mutating func look(isCanary: [Bool], harmCap: Double, proofCap: Double, proofBound: Double) {
        let spread = DeviceSpread.estimate(observed: harm.observed, expected: harm.expected, isCanary: isCanary)
        harmEvidence = harm.gain(spread: spread, isCanary: isCanary, cap: harmCap)
        guard provesSafety, !isProven else { return }
        safetyEvidence = safety.gain(spread: spread, isCanary: isCanary, cap: proofCap)
        if let rate {
            safetyEvidence = Double.logOfMeanExponential([safetyEvidence, rate.gain(spread: spread, cap: proofCap)])
        }
        isProven = safetyEvidence > proofBound
    }
}

extension Margin {
    /// So many times the failures of a share's history are at the edge of the tolerance: above 1.
    func ratio(history share: Double) -> Double {
        switch self {
        case .relative(let factor): max(factor, Self.smallestEdge)
        case .absolute(let points): max(1 + points * (1 - share) / max(share, 1e-9), Self.smallestEdge)
        }
    }

    private static let smallestEdge = 1.0001
}
