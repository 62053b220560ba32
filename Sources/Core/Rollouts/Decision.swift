public import CanaryAnalysis
public import Fleet

/// What was decided about a rollout.
public enum DecisionKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Start the next step.
    case advance
    /// Give the version to every remaining device.
    case promote
    /// Wait, grant nothing new.
    case hold
    /// Stop granting and ask a person; exposed devices stay.
    case halt
    /// Take the version back from every exposed device.
    case rollback
    /// Go on after a halt.
    case resume
    /// Roll out a rolled-back digest again, on purpose.
    case retry
}

/// Who or what decided.
public enum DecisionCause: String, Codable, Hashable, Sendable, CaseIterable {
    /// The canary analysis.
    case judge
    /// A person, by command.
    case person
    /// The step's deadline passed undecided.
    case deadline
    /// Too many updates failed on devices.
    case updateFailures = "update_failures"
    /// No data arrived for longer than the policy allows.
    case noData = "no_data"
    /// A mass outage of devices.
    case outage
    /// The deployment was changed.
    case deployment
}

/// A decision about a rollout: always with a cause and a reason, and with the evidence it rests on.
public struct Decision: Codable, Hashable, Sendable {
    /// Counted from 1 within the rollout.
    public var number: Int
    /// What was decided.
    public var kind: DecisionKind
    /// Who or what decided.
    public var cause: DecisionCause
    /// A stable machine-readable reason, such as `harm_proven`.
    public var reason: String
    /// The reason as a sentence for people.
    public var sentence: String
    /// The step it was taken in, counted from 1.
    public var step: Int
    /// The tick of the step, counted from 1; nil for a decision between ticks.
    public var tick: Int?
    /// When.
    public var at: Timestamp
    /// The person's name for a command; nil for others.
    public var actor: String?
    /// The metric that decided, where one did.
    public var metric: String?
    /// What that metric is, and so how the effect is to be read; nil for events.
    public var metricKind: MetricPlan.Kind?
    /// The row of the test that decided, such as `weighted since start`.
    public var test: String?
    /// The evidence (weighted -ln p) that was compared.
    public var evidence: Double?
    /// The bound it was compared with.
    public var bound: Double?
    /// The estimated effect: a ratio of shares, or a difference of means in the metric's unit.
    public var effect: Double?
    /// True for what the judge would have done in a dry run: it was not carried out.
    public var dryRun: Bool
    /// Devices that ran the new version when the decision fell.
    public var exposedDevices: Int
    /// What a person found out about it afterwards; nil while nobody has said.
    public var label: DecisionLabel?

    /// Makes a decision without evidence; the evidence's fields are set after.
    public init(
        number: Int, kind: DecisionKind, cause: DecisionCause, reason: String, sentence: String, step: Int,
        tick: Int? = nil, at: Timestamp, actor: String? = nil, exposedDevices: Int = 0
    ) {
        self.number = number
        self.kind = kind
        self.cause = cause
        self.reason = reason
        self.sentence = sentence
        self.step = step
        self.tick = tick
        self.at = at
        self.actor = actor
        self.exposedDevices = exposedDevices
        dryRun = false
    }
}

/// The states of a rollout.
public enum RolloutState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Declared; not started yet. Becomes progressing, halted or superseded.
    case pending
    /// A step is exposed and judged. Becomes holding, halted, rolling back, watching, completed or superseded.
    case progressing
    /// Waiting with a reason; nothing new is granted. Becomes progressing, halted, rolling back, watching or
    /// superseded.
    case holding
    /// Stopped until a person decides. Becomes progressing, rolling back, watching or superseded.
    case halted
    /// Devices are returning to their fallback. Becomes rolled back.
    case rollingBack = "rolling_back"
    /// Every reachable device is back. Final.
    case rolledBack = "rolled_back"
    /// Everywhere but on the holdback; still judged. Becomes completed, halted, rolling back or superseded.
    case watching
    /// Over; the version is the fallback now. Final.
    case completed
    /// A newer version of the deployment took its place. Final.
    case superseded

    /// True when nothing about the rollout changes any more.
    public var isFinal: Bool {
        switch self {
        case .rolledBack, .completed, .superseded: true
        case .pending, .progressing, .holding, .halted, .rollingBack, .watching: false
        }
    }
}

/// What a person may order; the words are those of ``DecisionKind``.
public enum RolloutCommand: String, Codable, Hashable, Sendable, CaseIterable {
    /// Start the next step without proof.
    case advance
    /// Give the version to all without proof.
    case promote
    /// Stop granting.
    case halt
    /// Go on after a halt.
    case resume
    /// Take the version back.
    case rollback
    /// Roll out a rolled-back version again.
    case retry
}
