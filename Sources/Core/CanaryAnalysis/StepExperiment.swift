/// What is judged about one metric.
public struct MetricPlan: Codable, Hashable, Sendable {
    /// What a metric measures.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// The share of requests that fail, are slow, or belong to a class: in 0...1.
        case share
        /// A mean over requests or samples, such as confidence or memory, in its own unit.
        case mean
    }

    /// Which way harm goes.
    public enum Harm: String, Codable, Hashable, Sendable, CaseIterable {
        /// More is worse.
        case up
        /// Less is worse.
        case down
        /// Any change is.
        case either
    }

    /// What kind of harm it shows; the groups share the error budget.
    public enum Group: String, Codable, Hashable, Sendable, CaseIterable {
        /// Failed requests: tested for any harm at all.
        case failures
        /// Slow requests: tested for harm beyond the tolerance, like all that follow.
        case latency
        /// What the model answers: confidence, classes, empty answers, labels.
        case answers
        /// What it uses: memory, temperature and the like.
        case resources
    }

    /// What a metric may do.
    public enum Mode: String, Codable, Hashable, Sendable {
        /// Rolls back when it fails; promotion needs its proof.
        case `guard`
        /// Shown only.
        case watch
    }

    /// The metric's name, such as `failures`.
    public var name: String
    /// What it measures.
    public var kind: Kind
    /// Which way harm goes.
    public var harm: Harm
    /// What kind of harm it shows.
    public var group: Group
    /// What it may do.
    public var mode: Mode
    /// What is tolerated; the wider of the policy's two margins by history.
    ///
    /// Of a mean it is absolute and in the mean's unit.
    public var margin: Margin
    /// The share or mean that is too much whatever the baseline does (too little where harm goes down); nil for none.
    public var limit: Double?
    /// True where the other metrics decide while this one has no data.
    public var mayLackData: Bool

    /// Plans a metric.
    public init(
        name: String, kind: Kind = .share, harm: Harm = .up, group: Group = .failures, mode: Mode = .guard,
        margin: Margin, limit: Double? = nil, mayLackData: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.harm = harm
        self.group = group
        self.mode = mode
        self.margin = margin
        self.limit = limit
        self.mayLackData = mayLackData
    }

    /// The wider of a relative and an absolute margin for a share of failures known from history.
    public static func wider(relative: Double, absolute: Double, history rate: Double) -> Margin {
        absolute * (1 - rate) > (relative - 1) * rate ? .absolute(absolute) : .relative(relative)
    }
}

/// What is spent when, and what else a step's judge must know.
public struct TestPlan: Codable, Hashable, Sendable {
    /// The probability that a harmless version is rolled back by this step's test, in 0...1.
    public var share: Double
    /// The same for failed updates.
    public var updateShare: Double
    /// The level of each proof of safety.
    public var proofLevel: Double
    /// Ticks that the step must be watched before it may advance.
    public var soakTicks: Int
    /// Ticks until the step's deadline.
    public var deadlineTicks: Int
    /// Ticks until the end of the rollout's watch.
    public var watchTicks: Int
    /// Ticks for which an announced update excuses silence.
    public var excuseTicks: Int
    /// True for a step after a proven one: it may advance unproven where its list can decide nothing.
    public var mayAdvanceUnproven: Bool
    /// Of a rollout's watch, the part of the share that is spread evenly over it, in 0...1; nil of a step.
    public var latePart: Double?
    /// How the step is judged.
    public var method: Method
    /// Where no test can serve the step: how many devices on its list one would need; nil where that is not known.
    public var devicesNeeded: Int?

    /// Plans a step.
    public init(
        share: Double, updateShare: Double, proofLevel: Double = 0.05, soakTicks: Int, deadlineTicks: Int,
        watchTicks: Int, excuseTicks: Int, mayAdvanceUnproven: Bool, method: Method = .draw
    ) {
        self.share = share
        self.updateShare = updateShare
        self.proofLevel = proofLevel
        self.soakTicks = soakTicks
        self.deadlineTicks = deadlineTicks
        self.watchTicks = watchTicks
        self.excuseTicks = excuseTicks
        self.mayAdvanceUnproven = mayAdvanceUnproven
        self.method = method
    }

    /// What the step's tests may have spent by a tick, counted from 1, in 0...1; nothing before the first, or where
    /// rules judge instead of a test.
    ///
    /// The test of failed updates may reject at its first look already, so all of its share counts from then on.
    public func spent(by tick: Int) -> Double {
        tick < 1 || method == .absolute ? 0 : updateShare + spending.spent(by: tick)
    }

    /// True of a rollout's watch, after its promotion.
    public var isWatch: Bool { latePart != nil }

    /// Plans the watch after a promotion: nobody advances any more, and a fault may begin at any hour, so half of what
    /// may be spent is spread evenly.
    public static func watch(share: Double, updateShare: Double, ticks: Int, excuseTicks: Int) -> TestPlan {
        var plan = TestPlan(
            share: share, updateShare: updateShare, soakTicks: 0, deadlineTicks: ticks, watchTicks: ticks,
            excuseTicks: excuseTicks, mayAdvanceUnproven: true)
        plan.latePart = 0.5
        return plan
    }

    /// How many ticks make a block of the short window, which has ``DeviceLedger/windowBlocks`` of them.
    ///
    /// A watch compares few devices for long: two hours of theirs tell what ten minutes of a step do.
    var blockTicks: Int { isWatch ? 12 : 1 }

    /// When the share of the test is spent.
    var spending: Spending {
        Spending(share: share, deadlineTicks: deadlineTicks, watchTicks: watchTicks, latePart: latePart ?? 0.2)
    }

    /// The level by which the number of assignments is chosen.
    ///
    /// A watch has five times as many as a step, so that one more may cross within minutes at any hour.
    var assignmentLevel: Double { isWatch ? share / 5 : share }

    /// The parts of a rollout's error budget that one step's tests may spend.
    ///
    /// A tenth is for failed updates; of the rest the first step has half and the others share the other half equally;
    /// a single step has it all.
    public static func shares(of budget: Double, step: Int, of steps: Int) -> (test: Double, updates: Double) {
        let part = steps <= 1 ? 1 : step == 1 ? 0.5 : 0.5 / Double(steps - 1)
        return (0.9 * budget * part, 0.1 * budget * part)
    }
}

extension TestPlan {
    /// Reads a plan, one that was written before methods had names too.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            share: try fields.decode(Double.self, forKey: .share),
            updateShare: try fields.decode(Double.self, forKey: .updateShare),
            proofLevel: try fields.decode(Double.self, forKey: .proofLevel),
            soakTicks: try fields.decode(Int.self, forKey: .soakTicks),
            deadlineTicks: try fields.decode(Int.self, forKey: .deadlineTicks),
            watchTicks: try fields.decode(Int.self, forKey: .watchTicks),
            excuseTicks: try fields.decode(Int.self, forKey: .excuseTicks),
            mayAdvanceUnproven: try fields.decode(Bool.self, forKey: .mayAdvanceUnproven),
            method: try fields.decodeIfPresent(Method.self, forKey: .method) ?? Self.olderMethod(decoder))
        latePart = try fields.decodeIfPresent(Double.self, forKey: .latePart)
        devicesNeeded = try fields.decodeIfPresent(Int.self, forKey: .devicesNeeded)
    }
}

/// One device on a step's list.
public struct ExperimentDevice: Codable, Hashable, Sendable {
    /// Its id.
    public var id: String
    /// Its stratum.
    public var stratum: Int
    /// Whether it was drawn.
    public var isCanary: Bool
    /// Its labels, for naming a class that carries the harm.
    public var labels: [String: String]
    /// What it measured on the version the rollout comes from before the step, decayed, one per metric.
    public var history: [Tally]
    /// The unit it was drawn with; nil where it is one of its own.
    public var unit: String?

    /// Makes a device.
    public init(
        id: String, stratum: Int, isCanary: Bool, labels: [String: String], history: [Tally], unit: String? = nil
    ) {
        self.unit = unit
        self.id = id
        self.stratum = stratum
        self.isCanary = isCanary
        self.labels = labels
        self.history = history
    }
}

/// What is frozen when a step is drawn: together with the evidence it determines every decision.
public struct StepExperiment: Codable, Hashable, Sendable {
    /// The key of the assignments and of thinning; not that of the draw.
    public var seed: UInt64
    /// The step, counted from 1.
    public var step: Int
    /// The length of a tick in seconds.
    public var tickSeconds: Double
    /// Everyone on the list, in the order that evidence refers to.
    public var devices: [ExperimentDevice]
    /// The metrics.
    public var metrics: [MetricPlan]
    /// What is spent when.
    public var plan: TestPlan
    /// The label whose values are the units; nil where devices are.
    public var unit: String?

    /// Freezes an experiment.
    public init(
        seed: UInt64, step: Int, tickSeconds: Double, devices: [ExperimentDevice], metrics: [MetricPlan],
        plan: TestPlan, unit: String? = nil
    ) {
        self.unit = unit
        self.seed = seed
        self.step = step
        self.tickSeconds = tickSeconds
        self.devices = devices
        self.metrics = metrics
        self.plan = plan
    }

    /// How many devices were drawn.
    public var canaries: Int { devices.count { $0.isCanary } }

    /// The same step as if the values of a label had been drawn whole, or single devices for nil.
    public func drawn(by label: String?) -> StepExperiment {
        var other = self
        other.unit = label
        for index in devices.indices {
            other.devices[index].unit = label.flatMap { devices[index].labels[$0] }.flatMap { $0.isEmpty ? nil : $0 }
        }
        return other
    }

    /// The units; nil where they are the devices.
    var units: Units? { Units(devices.map(\.unit)) }

    /// How many units were drawn and were not; nil where the units are the devices.
    public var unitCounts: UnitCounts? {
        guard let unit, let units else { return nil }
        let drawn = units.firsts(devices.map(\.isCanary)).count { $0 }
        return UnitCounts(label: unit, canaries: drawn, others: units.count - drawn)
    }

    /// Whether any draw of the cohort could reach the bounds of harm and of proof.
    public var canDecide: Bool {
        let count = Double(Assignments.count(self, units: units))
        return Int(plan.share * count) >= 1 && Int(plan.proofLevel * count) >= 1
    }
}
