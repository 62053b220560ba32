public import CanaryAnalysis

/// Forecasts a plan step by step.
public struct PlanForecaster: Sendable {
    let policy: Policy
    let fleet: ForecastFleet
    let outlook: FleetOutlook
    let effort: StepForecaster.Effort
    private let picked: Int?

    /// The effects that every step is asked for.
    public static let effects = [1.25, 1.5, 2, 3]

    /// Prepares a forecast.
    ///
    /// - Parameters:
    ///   - policy: the plan.
    ///   - fleet: what its units are like: its devices, or whatever else the outlook says is drawn.
    ///   - outlook: the same of its devices in figures, with what is known of absences and updates.
    ///   - picked: how many of the units a person picked for the first step; nil where they are drawn.
    ///   - effort: how much is simulated.
    public init(
        _ policy: Policy, _ fleet: ForecastFleet, _ outlook: FleetOutlook, picked: Int? = nil,
        effort: StepForecaster.Effort = StepForecaster.Effort()
    ) {
        self.picked = picked
        self.policy = policy
        self.fleet = fleet
        self.outlook = outlook
        self.effort = effort
    }

    /// The forecast.
    public func forecast(rolloutsPerYear: Double) -> PlanForecast {
        var forecast = PlanForecast(policy: policy, unknownReason: nil, rolloutsPerYear: rolloutsPerYear)
        let margin = margin
        let whole = ForecastStep(
            devices: fleet.devices, canaries: 1, plan: policy.testPlan(step: 1, isAfterProof: false), margin: margin)
        let tolerance = whole.toleratedRatio(fleet)
        forecast.fleet = outlook
        forecast.tolerance = tolerance
        guard !policy.isTooSmall(devices: devices, units: fleet.devices) else {
            let rules = RulesOutlook(policy, devices: devices, exposedFrom: outlook.exposedFrom)
            forecast.rules = rules
            forecast.promotion = ForecastMinutes(
                share: 1, median: rules.totalMinutes, ninetyPercent: rules.totalMinutes)
            return forecast
        }
        var promotions: [[Int?]] = []
        var isAfterProof = false
        let plan = PlannedSteps(policy, devices: devices, units: fleet.devices, picked: picked)
        for (index, planned) in plan.steps.enumerated() {
            let step = ForecastStep(
                devices: planned.listed, canaries: planned.drawn,
                plan: policy.testPlan(step: index + 1, isAfterProof: isAfterProof), margin: margin,
                exposedFrom: outlook.exposedFrom)
            let isPicked = index == 0 && picked != nil
            let (outlook, promotion) =
                isPicked
                ? pickedOutlook(step, planned, tolerance: tolerance)
                : self.outlook(of: index + 1, step, planned, tolerance: tolerance)
            forecast.steps.append(outlook)
            promotions.append(promotion)
            forecast.faults +=
                isPicked
                ? pickedFaults(of: outlook, tolerance: tolerance) : faults(of: outlook, tolerance: tolerance)
            if step.canDecide, !isPicked { isAfterProof = true }
        }
        forecast.promotion = ForecastMinutes(
            total(promotions), tickSeconds: policy.heartbeatSeconds)
        forecast.watch = watch(plan.left, tolerance: tolerance)
        return forecast
    }

    var margin: Margin {
        let named = policy.metrics.first { $0.name == "failures" } ?? MetricPolicy(name: "failures")
        return MetricPlan.wider(
            relative: named.relativeTolerance, absolute: named.absoluteTolerance, history: fleet.failureRate)
    }

    /// How many devices there are; the fleet's are its units.
    var devices: Int { outlook.units == nil ? fleet.devices : outlook.devices }

    // MARK: - One step

    private func outlook(
        of number: Int, _ step: ForecastStep, _ planned: PlannedSteps.Step, tolerance: Double
    ) -> (StepOutlook, [Int?]) {
        let isUnproven = !step.canDecide && step.plan.mayAdvanceUnproven
        let forecaster = forecaster(of: step)
        let seconds = policy.heartbeatSeconds
        let promotion =
            isUnproven
            ? ForecastTimes([Int?](repeating: max(step.plan.soakTicks, step.exposedFrom), count: effort.runs))
            : forecaster.proof()
        let found = forecaster.detection(of: tolerance).share
        let outlook = StepOutlook(
            step: number, size: policy.steps[number - 1], listed: planned.listedDevices,
            cohort: planned.drawnDevices,
            units: self.outlook.units.map {
                UnitCounts(label: $0.label, canaries: planned.drawn, others: planned.listed - planned.drawn)
            },
            share: step.plan.share, canDecide: step.canDecide,
            devicesNeeded: step.canDecide ? nil : devicesNeeded(number), advancesUnproven: isUnproven,
            smallestEffect: forecaster.smallestEffect(),
            effects: Self.effects.map { effect in
                StepOutlook.Effect(
                    effect: effect,
                    minutes: ForecastMinutes(forecaster.detection(of: effect), tickSeconds: seconds))
            },
            toleranceFound: found,
            cohortNeeded: forecaster.cohortNeeded(toSee: tolerance).map { $0 * devices / fleet.devices },
            promotion: ForecastMinutes(promotion, tickSeconds: seconds))
        return (outlook, promotion.all)
    }

    func forecaster(of step: ForecastStep) -> StepForecaster {
        let others = policy.metrics.filter { $0.name != "failures" && $0.mode == .guard }.map {
            MetricPlan(name: $0.name, group: .answers, margin: .absolute($0.absoluteTolerance))
        }
        return StepForecaster(fleet, step, metrics: others, hasEvents: outlook.away > 0, effort: effort)
    }

    /// The smallest fleet of the same kind of units whose lists let a step decide.
    private func devicesNeeded(_ number: Int) -> Int? {
        let perUnit = Double(devices) / Double(fleet.devices)
        func size(of units: Int) -> Int { Int((Double(units) * perUnit).rounded()) }
        return (fleet.devices + 1..<fleet.devices + 2_000).first { units in
            let steps = PlannedSteps(policy, devices: size(of: units), units: units).steps
            guard number <= steps.count else { return false }
            return ForecastStep(
                devices: steps[number - 1].listed, canaries: steps[number - 1].drawn,
                plan: policy.testPlan(step: number, isAfterProof: false), margin: margin
            ).canDecide
        }.map(size(of:))
    }

    // MARK: - The whole

    /// The sum over the steps: every run takes one of each step's at random; one that never ends never does in all.
    private func total(_ steps: [[Int?]]) -> ForecastTimes {
        ForecastTimes(
            (0..<effort.runs).map { run in
                var sum = 0
                for (index, step) in steps.enumerated() {
                    var random = KeyedRandom(
                        seed: effort.seed, purpose: .draw, stream: UInt32(truncatingIfNeeded: run * 64 + index))
                    guard let ticks = step[random.next(below: step.count)] else { return nil }
                    sum += ticks
                }
                return sum
            })
    }

    // MARK: - Faults

    private func faults(of step: StepOutlook, tolerance: Double) -> [PlanFault] {
        guard !step.advancesUnproven else { return [] }
        let units = UnitCounts.prefix(step.units?.canaries, by: step.units?.label)
        let name = "step \(step.step) (\(units)\(step.cohort) of \(step.listed) devices)"
        let wanted = "x\(Self.figure(tolerance))"
        guard step.canDecide else {
            let needed = step.devicesNeeded.map { "\($0) devices in the deployment" } ?? "many more devices"
            return [
                PlanFault(
                    code: .cannotDecide, step: step.step,
                    sentence: "\(name) cannot decide: no set of labels reaches its bounds; it takes \(needed), "
                        + largerStep(than: step) + " or a larger error budget")
            ]
        }
        var faults: [PlanFault] = []
        if step.toleranceFound < 0.5 {
            var help = ["a longer deadline"]
            if let cohort = step.cohortNeeded { help.insert("a cohort of \(cohort)", at: 0) }
            if step.cohortNeeded == nil { help.insert("more devices", at: 0) }
            if let seen = step.smallestEffect { help.append("a tolerance of x\(Self.figure(seen))") }
            faults.append(
                PlanFault(
                    code: .harmUnseen, step: step.step,
                    sentence: "\(name) finds the tolerated \(wanted) by its deadline in "
                        + "\(Int((100 * step.toleranceFound).rounded())) % of cases; \(Self.list(help)) would help"))
        }
        if step.promotion.share < 0.5 {
            faults.append(
                PlanFault(
                    code: .proofUnreached, step: step.step,
                    sentence: "\(name) shows a version that changes nothing to be within \(wanted) by its deadline in "
                        + "\(Int((100 * step.promotion.share).rounded())) % of cases; more devices, a longer deadline "
                        + "or a wider tolerance would help"))
        }
        return faults
    }

    /// What a step that cannot decide would have to be, in devices.
    private func largerStep(than step: StepOutlook) -> String {
        guard step.step == 1, let units = policy.firstStepNeeded(units: fleet.devices) else { return "a larger step" }
        return "a first step of \((units * devices + fleet.devices - 1) / fleet.devices)"
    }

    private static func list(_ words: [String]) -> String {
        words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }

    /// Two digits after the point.
    static func figure(_ value: Double) -> String {
        let hundredths = Int((min(value, 1e6) * 100).rounded())
        return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }
}

/// The lists and cohorts of a policy's steps, in units.
struct PlannedSteps {
    struct Step {
        let listed: Int
        let drawn: Int
        let listedDevices: Int
        let drawnDevices: Int
    }

    /// What no step draws.
    struct Left {
        let devices: Int
        let units: Int
    }

    private(set) var steps: [Step] = []
    let left: Left

    /// Plans until everyone is drawn; every unit has as many devices as all have on average.
    ///
    /// - Parameter picked: the units of the first step where a person picked them; nil where they are drawn.
    init(_ policy: Policy, devices: Int, units: Int, picked: Int? = nil) {
        var (before, listedDevices, listed) = (0, devices, units)
        for number in 1...policy.steps.count where listed > 0 {
            let size = min(
                listedDevices, policy.cohortSize(step: number, drawnBefore: before, listed: listedDevices))
            let isPicked = number == 1 && picked != nil
            let drawn = isPicked ? picked ?? 0 : Units.count(bringing: size, of: listedDevices, in: listed)
            let drawnDevices = drawn * listedDevices / listed
            steps.append(
                Step(listed: listed, drawn: drawn, listedDevices: listedDevices, drawnDevices: drawnDevices))
            before += drawnDevices
            listedDevices -= drawnDevices
            listed -= drawn
        }
        left = Left(devices: listedDevices, units: listed)
    }
}

extension ForecastTimes {
    /// One entry per run, nil where it did not happen.
    fileprivate var all: [Int?] { ticks.map { $0 } + [Int?](repeating: nil, count: runs - ticks.count) }
}
