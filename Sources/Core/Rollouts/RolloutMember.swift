public import CanaryAnalysis
public import Fleet

/// A device that a rollout has drawn, and how far it is.
public struct RolloutMember: Codable, Hashable, Sendable {
    /// How far a drawn device is.
    public enum Progress: Codable, Hashable, Sendable {
        /// Drawn, not told yet.
        case drawn
        /// Told to run the new version. Becomes exposed, failed or returning.
        case commanded(at: Timestamp)
        /// Runs the new version. Becomes failed (it went back by itself) or returning.
        case exposed(at: Timestamp)
        /// Was told to run the new version before the controller was restored from a backup, and was not heard to run
        /// it since. Becomes exposed, commanded, failed or returning.
        case unseen
        /// Could not run the new version, or left it by itself, and is on its fallback.
        case failed(reason: String)
        /// Told to return to its fallback.
        case returning
        /// Back on its fallback.
        case restored
    }

    /// The reason of a failure of a device that may not take part: it says nothing about the version.
    ///
    /// No device reports it: `quarantined` is what one says that shuts the version out, and that counts.
    public static let setAside = "set_aside"

    /// The step that drew it, counted from 1, or the watch; 0 for the rest that nobody draws.
    public var step: Int
    /// How far it is.
    public var progress: Progress

    /// Makes a freshly drawn member.
    public init(step: Int, progress: Progress = .drawn) {
        self.step = step
        self.progress = progress
    }

    /// True while the device is meant to run the new version and may still be on its way.
    public var isUpdating: Bool {
        if case .commanded = progress { true } else { false }
    }

    /// True while the device runs the new version, as far as is known.
    public var isExposed: Bool {
        if case .exposed = progress { true } else { false }
    }

    /// True once the device was told to run the new version.
    public var wasCommanded: Bool {
        if case .drawn = progress { false } else { true }
    }
}

/// One step of a rollout that was drawn, or its watch, which is judged like one.
public struct RolloutStep: Codable, Hashable, Sendable {
    /// What is drawn and judged.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// A step of the policy.
        case step
        /// The watch after the promotion: the rest against the holdback.
        case watch
    }

    /// How a step ended.
    public enum Outcome: String, Codable, Hashable, Sendable {
        /// Every guarded metric was shown to be within its tolerance.
        case proven
        /// Its list could decide nothing; it advanced on soak, gates and limits.
        case notProvenHere = "not_proven_here"
        /// Its list was too small for a test; the absolute rules were kept for the soak: not proven.
        case rulesKept = "rules_kept"
        /// It advanced on soak and gates, because the rollout is a dry run.
        case dryRun = "dry_run"
        /// A person advanced it.
        case byPerson = "by_person"
    }

    /// What it is.
    public let kind: Kind
    /// Counted from 1; the watch comes after the last step.
    public let number: Int
    /// When it was drawn: its test starts here.
    public let startedAt: Timestamp
    /// When it must be decided; when the watch ends.
    public internal(set) var deadlineAt: Timestamp
    /// How many devices were on its eligible list.
    public let eligible: Int
    /// How many of them were drawn.
    public let drawn: Int
    /// How it is judged.
    public let method: TestPlan.Method
    /// Ticks judged so far.
    public var ticks: Int
    /// How it ended; nil while it is judged for advancing.
    public var outcome: Outcome?

    /// Makes a step that has just been drawn.
    public init(
        kind: Kind = .step, number: Int, startedAt: Timestamp, deadlineAt: Timestamp, eligible: Int, drawn: Int,
        method: TestPlan.Method = .draw
    ) {
        self.kind = kind
        self.number = number
        self.startedAt = startedAt
        self.deadlineAt = deadlineAt
        self.eligible = eligible
        self.drawn = drawn
        self.method = method
        ticks = 0
    }

    /// Reads a step; what was stored before watches were drawn is a step of the policy, and before methods had names
    /// all were judged by their draw.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            kind: try fields.decodeIfPresent(Kind.self, forKey: .kind) ?? .step,
            number: try fields.decode(Int.self, forKey: .number),
            startedAt: try fields.decode(Timestamp.self, forKey: .startedAt),
            deadlineAt: try fields.decode(Timestamp.self, forKey: .deadlineAt),
            eligible: try fields.decode(Int.self, forKey: .eligible),
            drawn: try fields.decode(Int.self, forKey: .drawn),
            method: try fields.decodeIfPresent(TestPlan.Method.self, forKey: .method) ?? .draw)
        ticks = try fields.decode(Int.self, forKey: .ticks)
        outcome = try fields.decodeIfPresent(Outcome.self, forKey: .outcome)
    }
}

/// Why a rollout waits, since when, and what would end the wait.
public struct RolloutWait: Codable, Hashable, Sendable {
    /// A stable code, such as `no_data`.
    public var reason: String
    /// A sentence for people: what is waited for, who can resolve it and how.
    public var sentence: String
    /// Since when.
    public var since: Timestamp

    /// Makes a wait.
    public init(reason: String, sentence: String, since: Timestamp) {
        self.reason = reason
        self.sentence = sentence
        self.since = since
    }
}
