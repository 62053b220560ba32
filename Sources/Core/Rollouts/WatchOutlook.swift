import CanaryAnalysis

/// What the watch after a promotion can do: how many devices keep the old version meanwhile, and what is seen
/// with them.
public struct WatchOutlook: Codable, Hashable, Sendable {
    /// Devices that no step drew.
    public var listed: Int
    /// How many of them keep the old version until the watch ends; none where no such draw could decide anything.
    public var held: Int
    /// How long the watch is, in hours.
    public var hours: Double
    /// The probability that its test rolls a harmless version back, in 0...1.
    public var share: Double
    /// The smallest ratio of failures that is found in half of the cases where it is there from the watch's start;
    /// nil where none is.
    public var smallestEffect: Double?
    /// The share of cases in which such harm of just the tolerance is found, in 0...1.
    public var toleranceFound: Double

    /// Describes a watch.
    public init(
        listed: Int, held: Int, hours: Double, share: Double, smallestEffect: Double? = nil, toleranceFound: Double = 0
    ) {
        self.listed = listed
        self.held = held
        self.hours = hours
        self.share = share
        self.smallestEffect = smallestEffect
        self.toleranceFound = toleranceFound
    }
}

extension PlanForecaster {
    /// Forecasts the watch of a plan whose steps leave so many; nil where the policy has none.
    func watch(_ left: PlannedSteps.Left, tolerance: Double) -> WatchOutlook? {
        guard policy.plansWatch else { return nil }
        let plan = policy.watchPlan()
        let held =
            HoldbackDraw.held(
                listed: left.devices, units: left.units, of: devices, share: policy.holdbackShare, level: plan.share)
            ?? 0
        var watch = WatchOutlook(
            listed: left.devices, held: held, hours: policy.watchSeconds / 3_600, share: plan.share)
        guard held > 0 else { return watch }
        let heldUnits = Units.count(bringing: held, of: left.devices, in: left.units)
        let step = ForecastStep(
            devices: left.units, canaries: left.units - heldUnits, plan: plan, margin: margin,
            exposedFrom: outlook.exposedFrom)
        let forecaster = forecaster(of: step)
        watch.smallestEffect = forecaster.smallestEffect()
        watch.toleranceFound = forecaster.detection(of: tolerance).share
        return watch
    }
}
