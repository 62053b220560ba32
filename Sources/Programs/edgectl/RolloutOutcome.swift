import Rollouts
import WireFormat

/// How a rollout stands for somebody who waits for its end.
enum RolloutOutcome: Hashable {
    /// The version was promoted.
    case promoted
    /// The version was taken back, or is being taken back.
    case rolledBack
    /// A person must decide.
    case needsPerson
    /// Another version took its place.
    case superseded

    /// The outcome of a state; nil while the rollout goes on by itself.
    ///
    /// A rollback in progress is an outcome only once every reachable device is back, so that who waits for it knows
    /// that.
    init?(_ state: RolloutState) {
        switch state {
        case .watching, .completed: self = .promoted
        case .rolledBack: self = .rolledBack
        case .halted: self = .needsPerson
        case .superseded: self = .superseded
        case .pending, .progressing, .holding, .rollingBack: return nil
        }
    }

    /// The exit code of `rollout status --wait`.
    var status: ExitStatus {
        switch self {
        case .promoted: .success
        case .rolledBack: .rolledBack
        case .needsPerson: .needsPerson
        case .superseded: .failure
        }
    }
}
