public import CanaryAnalysis
import FleetSimulation
import RecordedFleets

/// Something that happens to a recording on its way to the judge: while data is missing, nothing may be proven.
public struct DataFault: Sendable {
    /// Whose rows it happens to.
    public enum Victims: String, Sendable, CaseIterable {
        /// Devices that were told to update.
        case canaries
        /// All others.
        case baseline
        /// Everyone.
        case everybody
    }

    /// What happens to their rows.
    public enum Kind: Hashable, Sendable {
        /// They do not arrive, from one device in so many, counted by id.
        case noRows(oneIn: Int)
        /// They arrive without any request.
        case noRequests
        /// The guarded mean is missing from them.
        case noMean
        /// Every second one does not arrive.
        case everySecond
        /// Those with failures do not arrive.
        case losesFailing
        /// They arrive twice.
        case twice
        /// Failures are written as zero.
        case failuresAsZero
        /// Nothing arrives for ten minutes; then all goes on.
        case pause
        /// Running totals begin anew: a row's counts are lost once, device by device.
        case reset
        /// What was counted is ascribed to another device, chosen by turning the list by one half.
        case swapped
    }

    /// What it is called in the table.
    public let title: String
    /// What happens.
    public let kind: Kind
    /// To whom.
    public let victims: Victims
    /// From when on, in minutes.
    public let fromMinute: Double
    /// True where data is missing until the end, so that nothing may be proven.
    public let mustNotPromote: Bool

    init(_ title: String, _ kind: Kind, _ victims: Victims, from minute: Double = 0, mustNotPromote: Bool = true) {
        self.title = title
        self.kind = kind
        self.victims = victims
        fromMinute = minute
        self.mustNotPromote = mustNotPromote
    }

    /// All faults: the first is none, and shows that the same recording is proven without one.
    public static let all: [DataFault] =
        [DataFault("no fault", .noRows(oneIn: .max), .everybody, mustNotPromote: false)]
        + Victims.allCases.flatMap { victims in
            [0.0, 2, 5, 8].flatMap { minute in
                let from = minute == 0 ? "" : " from minute \(Int(minute)) on"
                return [
                    DataFault("no rows of \(victims)\(from)", .noRows(oneIn: 1), victims, from: minute),
                    DataFault("no requests of \(victims)\(from)", .noRequests, victims, from: minute),
                    DataFault("a guarded mean is missing from \(victims)\(from)", .noMean, victims, from: minute),
                ]
            }
        } + [
            DataFault("no rows of every second canary", .noRows(oneIn: 2), .canaries),
            DataFault("no rows of every third canary", .noRows(oneIn: 3), .canaries),
            DataFault("no rows of every third canary from minute 5 on", .noRows(oneIn: 3), .canaries, from: 5),
            DataFault("every second row of canaries is lost", .everySecond, .canaries),
            DataFault("every second row of canaries is lost from minute 5 on", .everySecond, .canaries, from: 5),
            DataFault("rows of canaries with failures are lost", .losesFailing, .canaries),
            DataFault("rows of canaries with failures are lost from minute 5 on", .losesFailing, .canaries, from: 5),
            DataFault("rows arrive twice", .twice, .everybody, mustNotPromote: false),
            DataFault("nothing arrives for ten minutes", .pause, .everybody, from: 3, mustNotPromote: false),
            DataFault("running totals begin anew", .reset, .everybody, mustNotPromote: false),
            DataFault("failures of canaries are written as zero", .failuresAsZero, .canaries, mustNotPromote: false),
            DataFault("rows are ascribed to other devices", .swapped, .everybody, mustNotPromote: false),
        ]

    /// Changes the rows of a tick.
    func change(_ rows: inout [RecordedRow], of course: FleetCourse) {
        guard course.now > fromMinute * 60 else { return }
        let tick = course.tick
        func isHit(_ row: RecordedRow) -> Bool {
            switch victims {
            case .canaries: course.commandedAt[row.device] != nil
            case .baseline: course.commandedAt[row.device] == nil
            case .everybody: true
            }
        }
        switch kind {
        case .noRows(let oneIn): rows.removeAll { isHit($0) && ($0.device + 1).isMultiple(of: oneIn) }
        case .everySecond: rows.removeAll { isHit($0) && ($0.device + tick).isMultiple(of: 2) }
        case .losesFailing: rows.removeAll { isHit($0) && $0.measurements.failures > 0 }
        case .pause: if course.now <= fromMinute * 60 + 600 { rows = [] }
        case .twice: rows += rows
        case .reset:
            for place in rows.indices where rows[place].device % 40 == tick {
                rows[place].measurements = Measurements()
            }
        case .swapped:
            for place in rows.indices {
                rows[place].device = (rows[place].device + course.devices.count / 2) % course.devices.count
            }
        case .noRequests, .noMean, .failuresAsZero:
            for place in rows.indices where isHit(rows[place]) { Self.empty(&rows[place].measurements, kind) }
        }
    }

    private static func empty(_ measurements: inout Measurements, _ kind: Kind) {
        switch kind {
        case .noRequests: measurements = Measurements()
        case .noMean: measurements.means = []
        case .failuresAsZero: measurements.failures = 0
        case .noRows, .everySecond, .losesFailing, .twice, .pause, .reset, .swapped: break
        }
    }
}

/// What came of a fault.
public struct DataFaultResult: Sendable {
    /// The fault.
    public let fault: DataFault
    /// Runs, and those of them in which a step was proven or advanced.
    public let promoted: ExactBinomial
    /// Runs in which the version was taken back.
    public let rolledBack: ExactBinomial
    /// Why it did not advance at the end of the first run.
    public let reason: String

    /// Collects runs.
    public init(_ fault: DataFault, runs: [DataFaultRun]) {
        self.fault = fault
        promoted = ExactBinomial(runs.count { $0.isPromoted }, of: runs.count)
        rolledBack = ExactBinomial(runs.count { $0.isRolledBack }, of: runs.count)
        reason = runs.first?.reason ?? ""
    }
}

/// One run of a fault.
public struct DataFaultRun: Codable, Sendable {
    let isPromoted: Bool
    let isRolledBack: Bool
    let reason: String

    /// A run that came to this.
    init(isPromoted: Bool, reason: String) {
        self.isPromoted = isPromoted
        isRolledBack = false
        self.reason = reason
    }

    /// Watches a good release for half an hour while the fault lasts.
    public init(_ fault: DataFault, seed: UInt64) {
        let fleet = BenchmarkCases.bursty {
            $0.devices = 400
            $0.steps = [SimulatedStart(share: 0.1)]
            $0.measures = .confidence
        }
        var rollout = SimulatedRollout(
            fleet, policy: BenchmarkCases.policy(1.5, [MetricPolicy(name: "confidence")]), seed: seed)
        while rollout.course.now < 1_800, rollout.outcome.rollback == nil {
            rollout.endTick { course, rows in fault.change(&rows, of: course) }
        }
        let steps = rollout.outcome.steps
        isPromoted = steps.contains { $0.provenAt != nil || $0.advancedUnprovenAt != nil }
        isRolledBack = rollout.outcome.rollback != nil
        reason = rollout.outcome.rollback?.metric ?? rollout.outcome.lastHold
    }
}
