import RealModule

/// What bets by a model of devices can show on canaries that a person picked, and how soon.
///
/// What a device says about a ratio saturates: it says no more than `k (r - 1 - ln r)` nats about harm of ratio `r`,
/// where `1 / k` is the variance of devices' factors. So there is a number of canaries below which no time is enough.
public struct ModelForecast: Hashable, Sendable {
    /// At least so many must agree, for none says more than a third of what is needed.
    public static let fewestCanaries = 4

    private let canaries: Int
    private let others: Int
    private let spread: Double
    private let failuresPerTick: Double
    private let plan: TestPlan
    private let metrics: Int

    /// Describes a step.
    ///
    /// - Parameters:
    ///   - canaries: how many were picked.
    ///   - others: how many are left to compare with.
    ///   - spread: the variance of a device's factor that its history leaves open.
    ///   - failuresPerTick: failures of one device in one tick, on average.
    ///   - plan: what may be spent.
    ///   - metrics: how many guarded metrics share it.
    public init(
        canaries: Int, others: Int, spread: Double, failuresPerTick: Double, plan: TestPlan, metrics: Int
    ) {
        self.canaries = canaries
        self.others = others
        self.spread = max(DeviceSpread.smallest, spread)
        self.failuresPerTick = failuresPerTick
        self.plan = plan
        self.metrics = max(1, metrics)
    }

    /// Whether enough canaries can agree, against enough others.
    public var canDecide: Bool {
        let harmonic = Double(canaries * others) / Double(max(1, canaries + others))
        return canaries >= Self.fewestCanaries && harmonic > 3
    }

    /// How many canaries it takes to show harm of a ratio above 1; nil for a ratio that nobody can.
    public func canariesNeeded(toFind ratio: Double) -> Int? { needed(harmNats, ratio) }

    /// How many canaries it takes to show that a version which changes nothing is within a tolerated ratio above 1.
    public func canariesNeeded(toProve tolerance: Double) -> Int? { needed(proofNats, 1 / tolerance) }

    /// The tick by which harm of a ratio is found, on average; nil where it is not by the deadline.
    public func tick(ofFinding ratio: Double) -> Int? { tick(harmNats, ratio, first: 1) }

    /// The tick by which a version that changes nothing is proven; nil where it is not by the deadline.
    public func tick(ofProving tolerance: Double) -> Int? { tick(proofNats, 1 / tolerance, first: plan.soakTicks) }

    /// The smallest ratio that is found by the deadline, to a hundredth; nil for none below 20.
    public var smallestEffect: Double? {
        (101...2_000).lazy.map { Double($0) / 100 }.first { tick(ofFinding: $0) != nil }
    }

    private var harmNats: Double {
        Double.log(Double(ModelSide.harmRatios.count * metrics)) - Double.log(plan.share)
    }

    private var proofNats: Double { Double.log(Double(ModelSide.safeRatios.count)) - Double.log(plan.proofLevel) }

    private static func nats(_ ratio: Double) -> Double { ratio - 1 - Double.log(ratio) }

    private func needed(_ nats: Double, _ ratio: Double) -> Int? {
        let each = Self.nats(ratio) / spread
        guard each > 0, nats / each < 1e6 else { return nil }
        return max(Self.fewestCanaries, Int((nats / each).rounded(.up)))
    }

    /// A device of which so many failures are expected says as much as one whose spread is larger by their inverse.
    private func tick(_ nats: Double, _ ratio: Double, first: Int) -> Int? {
        let room = Double(canaries) * Self.nats(ratio) / nats - spread
        guard canDecide, failuresPerTick > 0, room > 0 else { return nil }
        let ticks = 1 / room / failuresPerTick
        guard ticks <= Double(plan.deadlineTicks) else { return nil }
        return max(first, Int(ticks.rounded(.up)))
    }
}
