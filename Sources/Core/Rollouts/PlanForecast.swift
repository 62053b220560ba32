public import CanaryAnalysis
public import Fleet

/// Minutes by which something happens in half and in nine of ten cases; nil where it does not in so many.
public struct ForecastMinutes: Codable, Hashable, Sendable {
    /// The share of cases in which it happens at all by the deadline, in 0...1.
    public var share: Double
    /// Half of the cases.
    public var median: Double?
    /// Nine of ten cases.
    public var ninetyPercent: Double?

    /// Makes a span.
    public init(share: Double, median: Double? = nil, ninetyPercent: Double? = nil) {
        self.share = share
        self.median = median
        self.ninetyPercent = ninetyPercent
    }

    init(_ times: ForecastTimes, tickSeconds: Double) {
        share = times.share
        median = times.tick(by: 0.5).map { $0 * tickSeconds / 60 }
        ninetyPercent = times.tick(by: 0.9).map { $0 * tickSeconds / 60 }
    }
}

/// What one step of a plan can do.
public struct StepOutlook: Codable, Hashable, Sendable {
    /// How soon one effect is found.
    public struct Effect: Codable, Hashable, Sendable {
        /// So many times as many failures.
        public var effect: Double
        /// Minutes from the step's start.
        public var minutes: ForecastMinutes

        /// Makes an effect.
        public init(effect: Double, minutes: ForecastMinutes) {
            self.effect = effect
            self.minutes = minutes
        }
    }

    /// The step, counted from 1.
    public var step: Int
    /// Its size as the policy says it.
    public var size: StepSize
    /// Devices on its list.
    public var listed: Int
    /// Devices drawn; where units are drawn, as many as they have on average.
    public var cohort: Int
    /// How many units both are; nil where the units are the devices.
    public var units: UnitCounts?
    /// The probability that its test rolls a harmless version back, in 0...1.
    public var share: Double
    /// Whether any set of labels can reach its bounds.
    public var canDecide: Bool
    /// Where it cannot: how many devices the deployment would need.
    public var devicesNeeded: Int?
    /// Where it cannot, but follows a step that can: it advances on soak and gates alone.
    public var advancesUnproven: Bool
    /// The smallest ratio that is found by the deadline in half of the cases.
    public var smallestEffect: Double?
    /// How soon some effects are found.
    public var effects: [Effect]
    /// The share of cases in which harm of just the tolerance is found by the deadline.
    public var toleranceFound: Double
    /// The cohort from the same list that finds the tolerance in half of the cases.
    public var cohortNeeded: Int?
    /// How soon a version that changes nothing is shown to be within the tolerance, the soak included.
    public var promotion: ForecastMinutes
    /// How it is judged; nil for by its draw.
    public var method: TestPlan.Method?
    /// Where a person picked the canaries: how many it takes for a proof; nil where no number is enough.
    public var proofNeeded: Int?
}

/// Why a plan cannot do what it promises.
public struct PlanFault: Codable, Hashable, Sendable {
    /// What is wrong.
    public enum Code: String, Codable, Hashable, Sendable {
        /// No set of labels can reach the step's bounds.
        case cannotDecide = "cannot_decide"
        /// Harm of the tolerance is found by the deadline in less than half of the cases.
        case harmUnseen = "harm_unseen"
        /// A version that changes nothing is proven by the deadline in less than half of the cases.
        case proofUnreached = "proof_unreached"
    }

    /// What is wrong.
    public var code: Code
    /// The step, counted from 1.
    public var step: Int
    /// A sentence for people: what is wrong and what would help.
    public var sentence: String
}

/// What harmless versions cost.
public struct FalseRollbacks: Codable, Hashable, Sendable {
    /// Rollouts in a year.
    public var rolloutsPerYear: Double
    /// The error budget of a rollout.
    public var budget: Double
    /// Rollbacks of harmless versions in a year: budget times rollouts.
    public var perYear: Double
    /// The same with a budget of 0.2 %.
    public var perYearAtLowBudget: Double

    /// The budget that is offered beside the policy's.
    public static let lowBudget = 0.002

    /// Multiplies.
    public init(budget: Double, rolloutsPerYear: Double) {
        self.budget = budget
        self.rolloutsPerYear = rolloutsPerYear
        perYear = budget * rolloutsPerYear
        perYearAtLowBudget = Self.lowBudget * rolloutsPerYear
    }
}

/// The units of a fleet that are drawn whole.
public struct FleetUnits: Codable, Hashable, Sendable {
    /// The label whose values they are, such as `site`.
    public var label: String
    /// How many there are; a device without the label is one of its own.
    public var count: Int

    /// Counts units.
    public init(label: String, count: Int) {
        self.label = label
        self.count = count
    }
}

/// What a plan rests on: the fleet as it is known.
public struct FleetOutlook: Codable, Hashable, Sendable {
    /// Devices that could be drawn now.
    public var devices: Int
    /// Devices of the deployment that were not heard lately.
    public var away: Int
    /// What is drawn; nil where it is single devices.
    public var units: FleetUnits?
    /// Requests of one device in one tick, on average.
    public var requestsPerTick: Double
    /// The share of failures by history.
    public var failureRate: Double
    /// The relative standard deviation of devices' failure rates.
    public var deviceSpread: Double
    /// The relative variance that histories do not explain, as an earlier step showed it; nil where none did.
    public var drift: Double?
    /// The tick by which half of the canaries are expected to run a new version.
    public var exposedFrom: Int
    /// True where that and the requests were measured in an earlier step, false where they are guessed from histories.
    public var isMeasured: Bool

    /// Describes a fleet.
    public init(
        devices: Int, away: Int, requestsPerTick: Double, failureRate: Double, deviceSpread: Double, drift: Double?,
        exposedFrom: Int, isMeasured: Bool, units: FleetUnits? = nil
    ) {
        self.units = units
        self.devices = devices
        self.away = away
        self.requestsPerTick = requestsPerTick
        self.failureRate = failureRate
        self.deviceSpread = deviceSpread
        self.drift = drift
        self.exposedFrom = exposedFrom
        self.isMeasured = isMeasured
    }
}

/// What a plan can find, and how soon, before it starts.
public struct PlanForecast: Codable, Hashable, Sendable {
    /// The policy that is forecast.
    public var policy: PolicyName
    /// Why nothing could be forecast; nil where it could.
    public var unknownReason: String?
    /// The fleet; nil where nothing could be forecast.
    public var fleet: FleetOutlook?
    /// The tolerated ratio of failures.
    public var tolerance: Double?
    /// The steps that a test judges.
    public var steps: [StepOutlook] = []
    /// What happens where no test can serve the fleet, and then there are no ``steps``; nil where one can.
    public var rules: RulesOutlook?
    /// What is seen after the promotion; nil where the policy has no watch, or where no test serves the fleet.
    public var watch: WatchOutlook?
    /// Minutes from the start until a version that changes nothing is promoted, all steps together.
    public var promotion: ForecastMinutes?
    /// What harmless versions cost.
    public var falseRollbacks: FalseRollbacks
    /// Draws over the evidence of an earlier step; nil where there is none.
    public var placebo: PlaceboResult?
    /// Metrics that the policy guards and that were not forecast.
    public var notForecast: [String]
    /// Why the plan cannot do what it promises; empty where it can.
    public var faults: [PlanFault] = []

    /// A forecast without any figure.
    public init(policy: Policy, unknownReason: String?, rolloutsPerYear: Double) {
        self.policy = policy.name
        self.unknownReason = unknownReason
        falseRollbacks = FalseRollbacks(budget: policy.errorBudget, rolloutsPerYear: rolloutsPerYear)
        notForecast = policy.metrics.filter { $0.mode == .guard && $0.name != "failures" }.map(\.name)
    }
}
