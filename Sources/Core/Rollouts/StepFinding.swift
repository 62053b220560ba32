public import CanaryAnalysis

/// What the evidence of one step says at one tick, as far as a rollout acts on it.
public enum StepFinding: Hashable, Sendable {
    /// The step may advance: proven, or (`proven` false) on soak, gates and limits where its list can decide
    /// nothing, or by absolute rules.
    case advance(proven: Bool, Grounds)
    /// The version does harm.
    case rollback(Grounds)
    /// Something happened that a person must look at; nothing new is granted.
    case halt(Grounds)
    /// Nothing new may be granted until the reason passes.
    case hold(Grounds)
    /// Not enough is known yet; the step goes on.
    case undecided(Grounds)
    /// A guarded metric has no data, and its policy holds for that.
    case noData(Grounds)

    /// What the finding rests on.
    public var grounds: Grounds {
        switch self {
        case .advance(_, let grounds), .rollback(let grounds), .halt(let grounds), .hold(let grounds),
            .undecided(let grounds), .noData(let grounds):
            grounds
        }
    }
}

/// Whether soak and gates let a step advance, whatever the evidence says: what a dry run goes by.
public enum StepReadiness: Hashable, Sendable {
    /// All are open.
    case ready
    /// One is closed.
    case waiting(Grounds)
}

/// What a finding rests on; a decision copies it.
public struct Grounds: Hashable, Sendable {
    /// Who or what decides.
    public var cause: DecisionCause
    /// A stable code, such as `harm_proven`.
    public var reason: String
    /// A sentence for people.
    public var sentence: String
    /// The person who ordered it, where one did.
    public var actor: String?
    /// True where no tick's evidence is what decides.
    public var isBetweenTicks = false
    /// The metric, where one decides.
    public var metric: String?
    /// What that metric is, and so how the effect is to be read; nil for events.
    public var metricKind: MetricPlan.Kind?
    /// The row of the test.
    public var test: String?
    /// The evidence (weighted -ln p).
    public var evidence: Double?
    /// The bound it was compared with.
    public var bound: Double?
    /// The estimated effect: a ratio of shares, or a difference of means in the metric's unit.
    public var effect: Double?

    /// Makes grounds without figures.
    public init(cause: DecisionCause, reason: String, sentence: String) {
        self.cause = cause
        self.reason = reason
        self.sentence = sentence
    }
}
