public import CanaryAnalysis
public import RecordedFleets

/// A rollout over a simulated fleet: the judge looks at every tick, and its proofs start the next steps.
public struct SimulatedRollout: Sendable {
    /// The fleet on its way.
    public private(set) var course: FleetCourse
    /// How it is judged.
    public let policy: RecordedPolicy
    /// What the rollout came to so far.
    public private(set) var outcome = SimulatedOutcome()
    /// The rows of the tick that ended last.
    public private(set) var rows: [RecordedRow] = []
    /// What was said of each step at the tick that ended last.
    public private(set) var judgements: [TickJudgement] = []
    /// The steps that were drawn.
    public private(set) var steps: [SimulatedStepWatch] = []

    /// The key of the draws.
    private let salt: UInt64
    private var isKnownExposed: [Bool]
    private var rowOf: [Int32]

    /// Starts a rollout from a seed; the first step starts at once.
    public init(_ fleet: SimulatedFleet, policy: RecordedPolicy, seed: UInt64) {
        course = FleetCourse(fleet, seed: seed)
        self.policy = policy
        salt = seed &* 0xA24B_AED4_963E_E407 ^ 0x5851_F42D_4C95_7F2D
        isKnownExposed = [Bool](repeating: false, count: fleet.devices)
        rowOf = [Int32](repeating: -1, count: fleet.devices)
        startSteps()
    }

    /// Goes on until the version is taken back or so many seconds have passed.
    public mutating func run(seconds: Double) {
        while course.now < seconds, outcome.rollback == nil { endTick() }
    }

    /// Lets one tick pass: judges every step, then starts what is due.
    ///
    /// After a rollback nothing is judged any more; the version stays where it is, for those who judge otherwise.
    ///
    /// - Parameter change: what happens to the tick's rows on their way to the judge.
    public mutating func endTick(changing change: (FleetCourse, inout [RecordedRow]) -> Void = { _, _ in }) {
        rows = course.endTick()
        change(course, &rows)
        guard outcome.rollback == nil else { return }
        index(rows)
        judgements.removeAll(keepingCapacity: true)
        for step in steps.indices {
            let judgement = steps[step].judge(evidence(of: steps[step]))
            judgements.append(judgement)
            outcome.note(judgement, step: steps[step], at: course.now)
        }
        startSteps()
    }

    private mutating func index(_ rows: [RecordedRow]) {
        for place in rowOf.indices { rowOf[place] = -1 }
        for (place, row) in rows.enumerated() {
            rowOf[row.device] = Int32(place)
            if course.exposedAt[row.device] < course.now { isKnownExposed[row.device] = true }
        }
    }

    private func evidence(of step: SimulatedStepWatch) -> TickEvidence {
        var observations: [DeviceObservation] = []
        observations.reserveCapacity(step.list.count)
        for (place, device) in step.list.enumerated() {
            let row = Int(rowOf[device])
            let isCommanded = course.commandedAt[device] != nil
            guard row >= 0 || isCommanded else { continue }
            var one = DeviceObservation(device: place)
            one.isCommanded = isCommanded
            one.isExposed = isKnownExposed[device]
            if row >= 0 {
                one.wasHeard = true
                let tallies = step.design.tallies(rows[row].measurements, of: place)
                if course.isNew[device] { one.new = tallies } else { one.old = tallies }
            }
            observations.append(one)
        }
        return TickEvidence(observations: observations)
    }

    // MARK: - Steps

    private mutating func startSteps() {
        while steps.count < course.fleet.steps.count {
            let number = steps.count + 1
            switch course.fleet.steps[number - 1].trigger {
            case .at(let seconds):
                guard course.now >= seconds else { return }
            case .proof:
                guard number == 1 || steps[number - 2].provenAt != nil else { return }
            }
            guard start(number) else { return }
        }
        if let end = course.fleet.end, steps.count == course.fleet.steps.count, course.now >= end.atSeconds {
            startWatch(end)
        }
    }

    /// The devices that no step drew.
    private var left: [Int] {
        course.devices.indices.filter { course.commandedAt[$0] == nil && course.isKnown($0) }
    }

    /// Draws who stays behind and tells the others to update.
    private mutating func startWatch(_ end: SimulatedEnd) {
        let number = steps.count + 1
        let list = left
        let plan = policy.watchPlan(after: course.fleet.steps.count)
        let holdback = HoldbackDraw(
            candidates: course.candidates(list), of: course.fleet.devices, share: end.holdbackShare, level: plan.share,
            seed: salt, step: number)
        guard let holdback else { return }
        let draw = SimulatedStepWatch.Draw(
            number: number, list: list, strata: holdback.strata, isDrawn: holdback.isHeld.map { !$0 })
        add(SimulatedStepWatch(draw, of: course, policy: policy, plan: plan, salt: salt))
    }

    private mutating func add(_ step: SimulatedStepWatch) {
        steps.append(step)
        outcome.steps.append(SimulatedOutcome.Step(startedAt: course.now))
        course.command(step.cohort)
    }

    /// Fixes the list of a step, draws its cohort and tells it to update; false where nobody is left to be drawn.
    private mutating func start(_ number: Int) -> Bool {
        let list = left
        let before = course.devices.indices.count { course.commandedAt[$0] != nil }
        let wanted = (course.fleet.steps[number - 1].share * Double(before + list.count)).rounded(.up)
        let compared = CohortDraw.comparison(of: before + list.count, listed: list.count)
        let size = max(1, Int(wanted) - before < list.count ? Int(wanted) - before : list.count - compared)
        guard list.count > 1 else { return false }
        let cohort = CohortDraw(candidates: course.candidates(list), size: size, seed: salt, step: number)
        let draw = SimulatedStepWatch.Draw(
            number: number, list: list, strata: cohort.strata, isDrawn: cohort.isDrawn)
        let plan = policy.plan(
            step: number, of: course.fleet.steps.count, followsProof: steps.contains { $0.provenAt != nil },
            isWatched: course.fleet.end != nil)
        add(SimulatedStepWatch(draw, of: course, policy: policy, plan: plan, salt: salt))
        return true
    }
}

extension FleetCourse {
    /// Devices as a draw sees them.
    fileprivate func candidates(_ list: [Int]) -> [Candidate] {
        list.map { place in
            let device = devices[place]
            return Candidate(
                id: device.id, site: device.site, hardware: device.hardware,
                unit: fleet.unit == .device || device.site.isEmpty ? nil : device.site,
                history: Tally(count: histories[place].requests, total: histories[place].failures))
        }
    }
}

/// One step of a simulated rollout: its list, its cohort and its judge.
public struct SimulatedStepWatch: Sendable {
    /// The step, counted from 1.
    public let number: Int
    /// The fleet's devices on its list, by place.
    public let list: [Int]
    /// The devices that were drawn.
    public let cohort: [Int]
    /// When it was drawn, in seconds since the rollout's start.
    public let startedAt: Double
    /// When it was proven, in seconds since the rollout's start; nil for not yet.
    public private(set) var provenAt: Double?
    /// What was frozen at the draw.
    public var experiment: StepExperiment { stepJudge.experiment }

    let design: MetricDesign
    private var stepJudge: StepJudge

    /// Who was drawn of whom.
    struct Draw {
        let number: Int
        let list: [Int]
        let strata: [Int]
        let isDrawn: [Bool]
    }

    init(_ draw: Draw, of course: FleetCourse, policy: RecordedPolicy, plan: TestPlan, salt: UInt64) {
        let (number, list) = (draw.number, draw.list)
        self.number = number
        self.list = list
        startedAt = course.now
        cohort = list.indices.filter { draw.isDrawn[$0] }.map { list[$0] }
        let histories = list.map { course.histories[$0] }
        let design = MetricDesign(
            policies: policy.metrics, names: course.names, histories: histories, strata: draw.strata)
        self.design = design
        let isBySite = course.fleet.unit == .site
        let devices = list.indices.map { place in
            let device = course.devices[list[place]]
            return ExperimentDevice(
                id: device.id, stratum: draw.strata[place], isCanary: draw.isDrawn[place], labels: device.labels,
                history: design.tallies(histories[place], of: place),
                unit: isBySite && !device.site.isEmpty ? device.site : nil)
        }
        stepJudge = StepJudge(
            StepExperiment(
                seed: salt ^ policy.seed ^ (0x9E37_79B9_7F4A_7C15 &* UInt64(number)), step: number,
                tickSeconds: policy.tickSeconds, devices: devices, metrics: design.plans,
                plan: plan, unit: isBySite ? "site" : nil))
    }

    mutating func judge(_ evidence: TickEvidence) -> TickJudgement {
        let judgement = stepJudge.judge(evidence)
        if provenAt == nil, case .advance(isProven: true) = judgement.recommendation {
            provenAt = startedAt + Double(judgement.tick) * experiment.tickSeconds
        }
        return judgement
    }
}

extension RecordedPolicy {
    /// What is spent when in one step of so many, after which the rollout is watched or not.
    func plan(step: Int, of steps: Int, followsProof: Bool, isWatched: Bool = false) -> TestPlan {
        let planned = max(steps, plannedSteps ?? steps)
        let shares = TestPlan.shares(of: errorBudget, step: step, of: planned + (isWatched ? 1 : 0))
        return TestPlan(
            share: shares.test, updateShare: shares.updates, soakTicks: ticks(soakSeconds),
            deadlineTicks: ticks(deadlineSeconds),
            watchTicks: ticks(deadlineSeconds * Double(planned) + watchSeconds), excuseTicks: ticks(updateSeconds),
            mayAdvanceUnproven: followsProof)
    }

    /// What is spent when in the watch after so many steps.
    func watchPlan(after steps: Int) -> TestPlan {
        let parts = max(steps, plannedSteps ?? steps) + 1
        let shares = TestPlan.shares(of: errorBudget, step: parts, of: parts)
        return TestPlan.watch(
            share: shares.test, updateShare: shares.updates, ticks: ticks(watchSeconds),
            excuseTicks: ticks(updateSeconds))
    }

    private func ticks(_ seconds: Double) -> Int { Int((seconds / tickSeconds).rounded(.up)) }
}

/// What a simulated rollout came to.
public struct SimulatedOutcome: Hashable, Sendable {
    /// A decision to take the version back.
    public struct Rollback: Hashable, Sendable {
        /// Seconds since the rollout's start.
        public var at: Double
        /// The step whose judge said so, counted from 1, and when it was drawn.
        public var step: Int
        /// When that step was drawn.
        public var stepStartedAt: Double
        /// Why: `harm_proven`, `updates_failing` or `limit_breached`.
        public var reason: String
        /// The metric or event that decided.
        public var metric: String
        /// The row of the test that decided.
        public var test: String
        /// The class of devices that carries the harm, if one was named.
        public var suspect: String?
    }

    /// One step.
    public struct Step: Hashable, Sendable {
        /// When it was drawn, in seconds since the rollout's start.
        public var startedAt: Double
        /// When it was proven, in seconds since the rollout's start, if it was before any rollback.
        public var provenAt: Double?
        /// When it would have advanced without proof.
        public var advancedUnprovenAt: Double?
    }

    /// The rollback, if it came to one.
    public var rollback: Rollback?
    /// When a step was first to be halted for failed updates, in seconds since the rollout's start.
    public var haltedAt: Double?
    /// The steps.
    public var steps: [Step] = []
    /// The code of the last reason not to advance.
    public var lastHold = ""

    mutating func note(_ judgement: TickJudgement, step: SimulatedStepWatch, at now: Double) {
        let index = step.number - 1
        switch judgement.recommendation {
        case .rollback(let finding):
            rollback =
                rollback
                ?? Rollback(
                    at: now, step: step.number, stepStartedAt: step.startedAt, reason: finding.reason,
                    metric: finding.metric, test: finding.test, suspect: finding.suspect)
        case .advance(isProven: true):
            if rollback == nil, steps[index].provenAt == nil { steps[index].provenAt = now }
        case .advance(isProven: false):
            if rollback == nil, steps[index].advancedUnprovenAt == nil { steps[index].advancedUnprovenAt = now }
        case .halt: haltedAt = haltedAt ?? now
        case .hold(let reason), .undecided(let reason), .noData(let reason): lastHold = reason.code
        }
    }
}
