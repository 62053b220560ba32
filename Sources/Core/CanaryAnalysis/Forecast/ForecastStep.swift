/// A step that is forecast: how large it is and what it may spend.
public struct ForecastStep: Hashable, Sendable {
    /// Devices on its list.
    public var devices: Int
    /// Devices drawn from it.
    public var canaries: Int
    /// What is spent when.
    public var plan: TestPlan
    /// What is tolerated of failures.
    public var margin: Margin
    /// The tick from whose counts on canaries are expected to run the new version.
    public var exposedFrom: Int

    /// Describes a step.
    public init(devices: Int, canaries: Int, plan: TestPlan, margin: Margin, exposedFrom: Int = 3) {
        self.devices = devices
        self.canaries = canaries
        self.plan = plan
        self.margin = margin
        self.exposedFrom = exposedFrom
    }

    /// How many assignments the judge will compare: all where they are few, else a sample.
    public var assignments: Int {
        let possible = Self.possible(devices, canaries)
        return possible <= Double(Assignments.enumerationLimit)
            ? Int(possible) : max(Assignments.sampleSize, Int((20 / plan.assignmentLevel).rounded(.up))) + 1
    }

    /// Whether any set of labels can reach the bound of harm, and that of proof.
    public var canDecide: Bool {
        let count = Double(assignments)
        return canaries > 0 && canaries < devices && Int(plan.share * count) >= 1
            && Int(plan.proofLevel * count) >= 1
    }

    static func possible(_ all: Int, _ chosen: Int) -> Double {
        let chosen = min(chosen, all - chosen)
        guard chosen > 0 else { return 1 }
        var product = 1.0
        for index in 1...chosen {
            product *= Double(all - chosen + index) / Double(index)
            if product > 1e12 { break }
        }
        return product.rounded()
    }
}

/// When something happens among many runs.
public struct ForecastTimes: Codable, Hashable, Sendable {
    /// The tick of each run in which it happened, sorted.
    public let ticks: [Int]
    /// All runs.
    public let runs: Int

    /// Collects runs: the tick of each, nil where it did not happen by the deadline.
    public init(_ ticks: [Int?]) {
        self.ticks = ticks.compactMap { $0 }.sorted()
        runs = ticks.count
    }

    /// The share of runs in which it happened.
    public var share: Double { runs > 0 ? Double(ticks.count) / Double(runs) : 0 }

    /// The tick by which it happened in a share of all runs; nil where it did not in so many.
    ///
    /// Many runs share a tick, so it is read off between the ticks: one tick that all share is itself.
    public func tick(by share: Double) -> Double? {
        let wanted = share * Double(runs)
        let place = Int(wanted.rounded(.up)) - 1
        guard place >= 0, place < ticks.count else { return nil }
        let tick = ticks[place]
        let before = ticks.count { $0 < tick }
        let within = ticks.count { $0 == tick }
        return Double(tick) - 0.5 + (wanted - Double(before)) / Double(within)
    }
}

extension ForecastStep {
    /// The tolerance as a ratio of failures.
    public func toleratedRatio(_ fleet: ForecastFleet) -> Double {
        switch margin {
        case .relative(let factor): factor
        case .absolute(let share): 1 + share * (1 - fleet.failureRate) / fleet.failureRate
        }
    }
}
