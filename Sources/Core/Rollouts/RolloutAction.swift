public import Fleet

/// What a rollout asks its surroundings to do; the decision behind it is always recorded first.
public enum RolloutAction: Hashable, Sendable {
    /// Keep this decision for good.
    case record(Decision)
    /// Fix the step's eligible list, draw its cohort and answer with `stepDrawn` or `stepFoundNobody`.
    case drawStep(Int)
    /// Draw who of the rest stays behind while the rollout is watched, and answer with `watchDrawn` or `watchNotDrawn`.
    case drawWatch
    /// Assign the new version to these devices, with the version they come from as fallback.
    case command([DeviceID])
    /// Assign the version they come from to these devices.
    case takeBack([DeviceID])
    /// Assign the new version to every remaining device that is not held back, and answer with `restCommanded`.
    case commandRest
    /// Give these devices the order that they have once more, under a new number.
    case repeatOrders([DeviceID])
    /// Do not show these devices the order that they have, until they are ordered something anew.
    case withdrawOrders([DeviceID])
    /// Make the new version the fallback of every device that runs it.
    case makeFallback
}

/// Why a command was refused.
public enum CommandRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rollout is over.
    case ended(RolloutCommand, RolloutState)
    /// The command makes no sense in this state.
    case wrongState(RolloutCommand, RolloutState, remedy: String)
    /// A first installation has no steps and no version to go back to.
    case firstInstallation(RolloutCommand)
    /// A placebo rollout decides nothing.
    case placebo(RolloutCommand)
    /// Other people must approve the rollout first.
    case notApproved(RolloutCommand, missing: Int)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .ended(let command, let state):
            "\(command.rawValue) is not possible: the rollout is over (\(state.rawValue))"
        case .wrongState(let command, let state, let remedy):
            "\(command.rawValue) is not possible while the rollout is \(state.rawValue): \(remedy)"
        case .firstInstallation(let command):
            "\(command.rawValue) is not possible: a first installation has no steps and no version to go back to; halt "
                + "it, or apply the deployment with another version"
        case .notApproved(let command, let missing):
            "\(command.rawValue) is not possible: the rollout waits for \(missing) more "
                + (missing == 1 ? "approval" : "approvals")
        case .placebo(let command):
            "\(command.rawValue) is not possible: a placebo rollout installs the version its devices run and ends by "
                + "itself; apply the deployment without `placebo` to end it now"
        }
    }
}
