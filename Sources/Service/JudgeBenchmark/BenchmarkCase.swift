public import FleetSimulation
public import RecordedFleets
public import RivalJudges

/// A simulated fleet with a version, judged many times.
public struct BenchmarkCase: Sendable {
    /// What a case says something about.
    public enum Subject: String, Hashable, Sendable, Codable {
        /// A version that changes nothing: it must not be taken back.
        case harmless
        /// A harmful version: it must be taken back.
        case harmful
        /// A version as bad as what is tolerated, or worse in places: it must not be proven.
        case intolerable
        /// A version within what is tolerated.
        case tolerable
    }

    /// How often a case runs.
    public struct Runs: Hashable, Sendable {
        /// In minutes, for every change.
        public var quick: Int
        /// In an hour or so.
        public var full: Int

        /// Says how often.
        public init(quick: Int, full: Int) {
            self.quick = quick
            self.full = full
        }
    }

    /// Its name, such as `bursty-x1.5`.
    public var name: String
    /// What it is about, for the table.
    public var title: String
    /// What it says something about.
    public var subject: Subject
    /// The fleet and the version.
    public var fleet: SimulatedFleet
    /// How it is judged.
    public var policy: RecordedPolicy
    /// How long it is watched, in minutes.
    public var minutes: Double
    /// When harm begins, in minutes since the rollout's start; times are counted from then, or from the step's start.
    public var harmBeginsAtMinutes = 0.0
    /// True where a run ends with the first proof.
    public var endsWithProof = false
    /// The rivals that judge the same rows.
    public var rivals: [Rival] = []
    /// The effect that the limit knows.
    public var knownEffect = 1.5
    /// How often it runs.
    public var runs: Runs

    /// Makes a case.
    public init(
        _ name: String, _ title: String, _ subject: Subject, fleet: SimulatedFleet, policy: RecordedPolicy,
        minutes: Double = 60, runs: Runs
    ) {
        self.name = name
        self.title = title
        self.subject = subject
        self.fleet = fleet
        self.policy = policy
        self.minutes = minutes
        self.runs = runs
    }

    /// The seed of one run: the same for the same case, benchmark seed and number, whatever else runs.
    public func seed(of run: Int, benchmark: UInt64) -> UInt64 {
        // FNV-1a over the name: every case has runs of its own.
        let name = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var chance = Chance(seed: benchmark ^ name, stream: UInt64(run))
        return chance.next()
    }
}
