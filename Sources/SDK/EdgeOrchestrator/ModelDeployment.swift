internal import CurlClient
public import Fleet
internal import Rollouts
public import WireFormat

/// A model on its way to its devices: how it goes and how it ended.
public struct ModelDeployment: Sendable {
    /// The model's name.
    public let model: String
    /// The version's name.
    public let version: String
    /// The version's digest: what devices verify.
    public let digest: String
    /// The deployment that wants the version.
    public let deployment: String
    /// The rollout; nil where the devices run the version already.
    public let rollout: RolloutID?
    /// What a person should know, such as that the version was rolled back before and is not started again.
    public let warnings: [String]

    let orchestrator: Orchestrator

    /// How a rollout ended, for somebody who waits for it.
    public enum Outcome: String, Hashable, Sendable {
        /// The version runs, or will run, on every device but a holdback; the judge goes on watching.
        case promoted
        /// The version was taken back, and every device that can be reached is back.
        case rolledBack = "rolled_back"
        /// The rollout is halted until a person decides; ``ModelDeployment/progress`` says why.
        case needsPerson = "needs_person"
        /// Another version took its place.
        case superseded

        init?(_ rollout: RolloutResource) {
            switch rollout.state {
            case .watching, .completed: self = .promoted
            case .rolledBack: self = .rolledBack
            case .halted: self = .needsPerson
            case .superseded: self = .superseded
            case .pending, .progressing, .holding, .rollingBack: return nil
            }
        }
    }

    /// How it goes: one element now, and one after each change, until there is an outcome.
    ///
    /// Iterating again begins with the present; cancelling the task ends the wait at once.
    public var progress: Progress { Progress(rollout: rollout, orchestrator: orchestrator) }

    /// Waits for the outcome; it is there at once where the devices run the version already.
    ///
    /// - Throws: ``OrchestratorError`` where the controller cannot be asked, `CancellationError`.
    public func outcome() async throws -> Outcome {
        guard rollout != nil else { return .promoted }
        while true {
            for try await step in progress {
                if let outcome = step.outcome { return outcome }
            }
        }
    }
}

/// How far a rollout is.
public struct RolloutProgress: Sendable {
    /// Everything that is known of it.
    public let rollout: RolloutResource

    /// The state, such as `progressing`.
    public var state: String { rollout.state.rawValue }
    /// The current step, counted from 1; 0 before the first.
    public var step: Int { rollout.step }
    /// How many steps are planned.
    public var steps: Int { rollout.steps }
    /// How many devices run the new version, as far as is known.
    public var exposedDevices: Int { rollout.progress.exposed }
    /// Why it waits, or what was decided last, as a sentence; nil where there is nothing to say yet.
    public var sentence: String? { rollout.waitSentence ?? rollout.decisions.last?.sentence }
    /// How it ended; nil while it goes on by itself.
    public var outcome: ModelDeployment.Outcome? { ModelDeployment.Outcome(rollout) }
}

extension ModelDeployment {
    /// The course of a rollout as a sequence.
    public struct Progress: AsyncSequence, Sendable {
        /// One look at the rollout.
        public typealias Element = RolloutProgress

        let rollout: RolloutID?
        let orchestrator: Orchestrator

        /// Starts with the present.
        public func makeAsyncIterator() -> Iterator {
            Iterator(rollout: rollout, orchestrator: orchestrator)
        }

        /// Asks the controller for the next change.
        public struct Iterator: AsyncIteratorProtocol {
            private let rollout: RolloutID?
            private let orchestrator: Orchestrator
            private var last: RevisedRollout?

            init(rollout: RolloutID?, orchestrator: Orchestrator) {
                self.rollout = rollout
                self.orchestrator = orchestrator
            }

            /// The next look; nil once there was an outcome.
            ///
            /// - Throws: ``OrchestratorError``, `CancellationError`.
            public mutating func next() async throws -> RolloutProgress? {
                guard let rollout, last.flatMap({ Outcome($0.rollout) }) == nil else { return nil }
                let (orchestrator, known) = (orchestrator, last?.revision)
                let found = try await Blocking.run { cancellation in
                    guard let known else { return try orchestrator.rollout(rollout) }
                    while !cancellation.isCancelled {
                        let changed = try orchestrator.rollout(
                            rollout, otherThan: known, waitSeconds: 50, cancellation: cancellation)
                        if let changed { return changed }
                    }
                    throw CancellationError()
                }
                last = found
                return RolloutProgress(rollout: found.rollout)
            }
        }
    }
}
