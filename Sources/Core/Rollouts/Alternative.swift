/// What would have come of a step's evidence under one small change.
public struct Alternative: Codable, Hashable, Sendable {
    /// How it compares with what was decided.
    public enum Outcome: String, Codable, Hashable, Sendable, CaseIterable {
        /// The same at the same tick.
        case same
        /// The same, earlier.
        case sooner
        /// The same, later.
        case later
        /// Something else was decided.
        case other
        /// Nothing was decided by then.
        case undecided
    }

    /// The change: `without_device`, `without_class`, `half_budget`, `double_budget`, `wider_margin`,
    /// `narrower_margin`, `fewer_failures` or `more_failures`.
    public var change: String
    /// The change in words.
    public var what: String
    /// What came of it.
    public var outcome: Outcome
    /// What was decided, where anything was.
    public var kind: DecisionKind?
    /// How much later than the decision, in seconds; negative for earlier, nil where nothing was decided.
    public var secondsLater: Double?
    /// What came of it in words.
    public var result: String

    /// Describes a change that decided nothing.
    public init(change: String, what: String, outcome: Outcome, result: String) {
        self.change = change
        self.what = what
        self.outcome = outcome
        self.result = result
    }

    /// Change and result in one sentence.
    public var sentence: String { "\(what): \(result)" }
}
