/// What a recording came to.
public struct RecordingOutcome: Hashable, Sendable {
    /// The first decision that would have been acted on.
    public enum Decision: String, Hashable, Sendable {
        /// Taken back, in whichever step.
        case rollback
        /// A step was proven, and nothing was ever taken back.
        case promote
        /// Neither.
        case hold
    }

    /// What one step came to.
    public struct Step: Hashable, Sendable {
        /// Counted from 1.
        public var number: Int
        /// When it was drawn, in seconds since the rollout's start.
        public var startedAt: Double
        /// When it was proven, in seconds since the rollout's start; nil for never.
        public var provenAt: Double?
    }

    /// The decision.
    public var decision: Decision = .hold
    /// When it fell, in seconds since the rollout's start; for a hold the end of the recording.
    public var timeSeconds = 0.0
    /// The step it fell in.
    public var step: Int?
    /// The metric that decided.
    public var metric: String?
    /// The row of the test that decided.
    public var test: String?
    /// A stable code, such as `harm_proven` or `unproven`.
    public var reason = ""
    /// The class of canaries that carries the harm, such as `hw=orin`.
    public var suspect: String?
    /// The steps that were drawn.
    public var steps: [Step] = []
}
