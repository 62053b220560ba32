import RealModule

/// What replaying an earlier step with other draws found.
public struct PlaceboResult: Codable, Hashable, Sendable {
    /// Devices that ran the old version throughout.
    public var devices: Int
    /// Ticks that were replayed.
    public var ticks: Int
    /// Cohorts that were drawn although nothing was given to them.
    public var draws: Int
    /// How many of them crossed the bound of harm.
    public var crossed: Int
    /// The share that is expected to, in 0...1.
    public var nominal: Double

    /// Makes a result.
    public init(devices: Int, ticks: Int, draws: Int, crossed: Int, nominal: Double) {
        self.devices = devices
        self.ticks = ticks
        self.draws = draws
        self.crossed = crossed
        self.nominal = nominal
    }

    /// How many of the draws crossed, in 0...1.
    public var share: Double { draws > 0 ? Double(crossed) / Double(draws) : 0 }
}

/// The evidence of an earlier step, judged as if other devices had been drawn and nothing given to them.
///
/// It shows what the fleet's own irregularities (outages, bursts, devices that come and go) do to the test, and how
/// devices behaved in a step: what a forecast cannot know from histories alone.
public struct PlaceboReplay: Sendable {
    /// What is looked at, at most.
    public struct Limits: Hashable, Sendable {
        /// Devices; of more, every so manieth is taken.
        public var devices: Int
        /// Ticks from the step's start on.
        public var ticks: Int
        /// Cohorts drawn.
        public var draws: Int

        /// Limits a replay; the defaults take a second or two.
        public init(devices: Int = 3_000, ticks: Int = 120, draws: Int = 4_000) {
            self.devices = devices
            self.ticks = ticks
            self.draws = draws
        }
    }

    /// The share of crossings; nil where too few devices stayed on the old version, or not for long enough.
    public let result: PlaceboResult?
    /// The relative variance of devices' failure rates against their histories; nil where there was too little.
    public let residualSpread: Double?
    /// The share of heartbeats that were missed.
    public let missedShare: Double
    /// The tick by which half of the canaries ran the new version; nil where they never did.
    public let exposedFrom: Int?
    /// Requests of one device in one tick, on average over all that were heard.
    public let requestsPerTick: Double?

    /// Replays a step.
    public init(_ experiment: StepExperiment, _ evidence: [TickEvidence], limits: Limits = Limits()) {
        exposedFrom = Self.exposedFrom(experiment, evidence)
        let untouched = Self.untouchedTicks(experiment, evidence)
        let ticks = Array(evidence.prefix(min(limits.ticks, untouched)))
        let others = experiment.devices.indices.filter { !experiment.devices[$0].isCanary }
        let stride = max(1, others.count / max(1, limits.devices))
        let kept = others.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
        let share = Double(experiment.canaries) / Double(max(1, experiment.devices.count))
        let size = Int((share * Double(kept.count)).rounded())
        guard ticks.count > 5, size > 0, size < kept.count else {
            (result, residualSpread, missedShare, requestsPerTick) = (nil, nil, 0, nil)
            return
        }
        var fold = PlaceboFold(experiment, kept: kept, size: size, draws: limits.draws)
        for tick in ticks { fold.take(tick) }
        result = PlaceboResult(
            devices: kept.count, ticks: ticks.count, draws: limits.draws, crossed: fold.crossed,
            nominal: fold.spending.spent(by: ticks.count))
        residualSpread = fold.residualSpread
        missedShare = fold.missedShare
        requestsPerTick = fold.requestsPerTick
    }

    /// So many ticks passed before a later step gave the new version to anyone else.
    private static func untouchedTicks(_ experiment: StepExperiment, _ evidence: [TickEvidence]) -> Int {
        evidence.firstIndex { tick in
            tick.observations.contains { one in
                one.device < experiment.devices.count && !experiment.devices[one.device].isCanary
                    && (one.isCommanded || one.new.contains { $0.count > 0 })
            }
        } ?? evidence.count
    }

    private static func exposedFrom(_ experiment: StepExperiment, _ evidence: [TickEvidence]) -> Int? {
        let half = (experiment.canaries + 1) / 2
        let index = evidence.firstIndex { tick in
            tick.observations.count { one in
                one.device < experiment.devices.count && one.isExposed && experiment.devices[one.device].isCanary
            } >= half
        }
        return index.map { $0 + 1 }
    }
}

/// The judge's rows over devices without a new version, and many draws held against their bounds.
private struct PlaceboFold {
    let spending: Spending
    private(set) var crossed = 0

    private let places: [Int: Int]
    private let units: Units?
    private let assignments: Assignments
    /// The units of each draw.
    private let draws: [[Int]]
    private let isCanary: [Bool]
    private var hasCrossed: [Bool]
    private var tracks: DeviceTracks
    private var metrics: [MetricFold]
    private var test: SequentialTest
    private var tick = 0
    private var heard = 0.0
    private var requests = 0.0

    init(_ experiment: StepExperiment, kept: [Int], size: Int, draws count: Int) {
        let failures = experiment.metrics.firstIndex { $0.group == .failures }
        let candidates = kept.map { place in
            let device = experiment.devices[place]
            let history = failures.flatMap { $0 < device.history.count ? device.history[$0] : nil }
            return Candidate(
                id: device.id, site: device.labels["site"] ?? "", hardware: device.labels["hw"] ?? "",
                unit: device.unit, history: history ?? Tally())
        }
        let drawn = (0...count).map { number in
            CohortDraw(candidates: candidates, size: size, seed: experiment.seed &+ UInt64(number), step: 1_000)
        }
        var own = experiment
        own.devices = kept.enumerated().map { index, place in
            var device = experiment.devices[place]
            device.stratum = drawn[0].strata[index]
            device.isCanary = drawn[0].isDrawn[index]
            return device
        }
        let share = experiment.plan.share
        let units = own.units
        self.units = units
        assignments = Assignments(own, units: units)
        draws = drawn.dropFirst().map { draw in
            let isDrawn = units?.firsts(draw.isDrawn) ?? draw.isDrawn
            return isDrawn.indices.filter { isDrawn[$0] }
        }
        isCanary = drawn[0].isDrawn
        hasCrossed = [Bool](repeating: false, count: count)
        places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        tracks = DeviceTracks(count: kept.count)
        spending = Spending(
            share: share, deadlineTicks: experiment.plan.deadlineTicks, watchTicks: experiment.plan.watchTicks)
        test = SequentialTest(assignments: assignments.count, spending: spending)
        let assignmentCount = assignments.count
        metrics = experiment.metrics.indices.map {
            MetricFold(experiment: own, units: units, metric: $0, assignments: assignmentCount)
        }
    }

    mutating func take(_ evidence: TickEvidence) {
        tick += 1
        let evidence = own(evidence)
        let covered = tracks.add(evidence, tick: tick, excuseTicks: 0)
        let counted = tracks.tracks.map { $0.isCounted(tick: tick) }
        for index in metrics.indices {
            metrics[index].credit(evidence, covered: covered, counted: counted, isCanary: isCanary, tick: tick)
        }
        let rows = TestRow.all(of: metrics, tracks.tracks, units: units)
        var reference = [Double](repeating: -.infinity, count: assignments.count)
        var placebo = [Double](repeating: -.infinity, count: draws.count)
        for (row, sums) in zip(rows, assignments.sums(of: rows.map(\.scores))) {
            guard row.decides, row.weight > 0, let scale = RowScale(sums), let low = sums.min(), let high = sums.max()
            else { continue }
            let offset = Double.log(row.weight)
            for index in sums.indices { reference[index] = max(reference[index], scale.evidence(sums[index]) + offset) }
            for index in draws.indices where !hasCrossed[index] {
                let sum = draws[index].reduce(Int64(0)) { $0 &+ row.scores[$1] }
                placebo[index] = max(placebo[index], scale.evidence(min(high, max(low, sum))) + offset)
            }
        }
        let bound = test.look(reference, tick: tick)
        for index in draws.indices where !hasCrossed[index] && placebo[index] > bound {
            hasCrossed[index] = true
            crossed += 1
        }
    }

    /// The evidence of the kept devices, by their new places.
    private mutating func own(_ evidence: TickEvidence) -> TickEvidence {
        var observations: [DeviceObservation] = []
        for one in evidence.observations {
            guard let place = places[one.device] else { continue }
            var moved = one
            moved.device = place
            observations.append(moved)
            if one.wasHeard { heard += 1 }
            requests += one.old.first?.count ?? 0
        }
        return TickEvidence(observations: observations)
    }

    var residualSpread: Double? {
        guard let failures = metrics.first(where: { $0.plan.group == .failures }) else { return nil }
        let window = failures.ledger.sinceStart.summed(by: units)
        // With less than one expected failure a unit, hardly anything can be said of how units differ.
        guard window.scale.reduce(0, +) > Double(window.scale.count) else { return nil }
        return CountScores(window).spread
    }

    var missedShare: Double { 1 - heard / Double(max(1, tick * places.count)) }

    var requestsPerTick: Double? { tick > 0 && !places.isEmpty ? requests / Double(tick * places.count) : nil }
}
