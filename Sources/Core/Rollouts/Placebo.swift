/// What makes a rollout a placebo: its devices install the version they run once more.
///
/// Both arms then run the same version, so that whatever the judge finds is either its error or what the act of
/// updating does.
public struct Placebo: Codable, Hashable, Sendable {
    /// How a placebo rollout ended.
    public enum Outcome: String, Codable, Hashable, Sendable, CaseIterable {
        /// The step was shown to be within every tolerance.
        case passed
        /// The judge would have taken the version back.
        case falseRollback = "false_rollback"
        /// The judge, or failed updates, would have halted the rollout.
        case falseHalt = "false_halt"
        /// Nothing was shown by the deadline of the step.
        case undecided
        /// It was ended before: by a rollout of another version, or by a person.
        case superseded
    }

    /// How it ended; nil while it is under way.
    public internal(set) var outcome: Outcome?

    /// Describes a placebo.
    public init(outcome: Outcome? = nil) {
        self.outcome = outcome
    }
}
