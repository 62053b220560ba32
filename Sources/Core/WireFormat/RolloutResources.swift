public import CanaryAnalysis
public import Fleet
public import Rollouts

/// A rollout as operators see it.
public struct RolloutResource: Codable, Hashable, Sendable {
    /// How far the devices of the rollout are.
    public struct Progress: Codable, Hashable, Sendable {
        /// Devices drawn so far, all steps.
        public var drawn: Int
        /// Devices told to run the new version.
        public var commanded: Int
        /// Devices that run it.
        public var exposed: Int
        /// Devices whose update failed.
        public var failed: Int
        /// Devices that returned to their fallback.
        public var restored: Int
        /// Devices still to return.
        public var returning: Int

        /// Makes progress figures.
        public init(
            drawn: Int = 0, commanded: Int = 0, exposed: Int = 0, failed: Int = 0, restored: Int = 0, returning: Int = 0
        ) {
            self.drawn = drawn
            self.commanded = commanded
            self.exposed = exposed
            self.failed = failed
            self.restored = restored
            self.returning = returning
        }
    }

    /// The id.
    public var id: RolloutID
    /// The deployment.
    public var deployment: DeploymentName
    /// The model.
    public var model: ModelName
    /// The version devices come from; nil for a first installation, which has nothing to be compared with.
    public var from: VersionReference?
    /// The version they move to.
    public var to: VersionReference
    /// The state.
    public var state: RolloutState
    /// What makes it a placebo, and how that ended; nil for a rollout of another version.
    public var placebo: Placebo?
    /// Why it waits, where it does; a stable code.
    public var waitReason: String?
    /// The same for people, and who can resolve it and how.
    public var waitSentence: String?
    /// Since when it waits.
    public var waitSince: Timestamp?
    /// The current step, counted from 1; 0 before the first.
    public var step: Int
    /// How many steps are planned.
    public var steps: Int
    /// How the current step is judged; nil before the first.
    public var method: TestPlan.Method?
    /// When the current step started.
    public var stepStartedAt: Timestamp?
    /// When the current step must be decided.
    public var stepDeadlineAt: Timestamp?
    /// Device counts.
    public var progress: Progress
    /// The judge's last words on the current step.
    public var judgement: TickJudgement?
    /// What judges the watch, and with which guarantee, as a sentence; nil before the promotion.
    public var guarantee: String?
    /// The decisions so far, oldest first.
    public var decisions: [Decision]
    /// The policy as it was frozen.
    public var policy: Policy
    /// What it may spend of the policy's error budget; nil from a controller that does not say it.
    public var budget: RolloutBudget?
    /// When it was declared.
    public var createdAt: Timestamp
    /// Who declared it; nil from a controller that does not say it.
    public var author: String?
    /// Who approved that it starts, oldest first.
    public var approvals: [Approval]?
    /// How many approvals it waits for; nil for none.
    public var approvalsMissing: Int?
    /// Names of people who could give them by their keys, at most 20; others may by a token of an issuer.
    public var approvers: [String]?
    /// When the first device ran the new version.
    public var firstExposedAt: Timestamp?
    /// When it reached a final state.
    public var endedAt: Timestamp?
    /// When retention removed its evidence; nil while it is kept.
    public var evidenceRemovedAt: Timestamp?

    /// Makes a rollout.
    public init(
        id: RolloutID, deployment: DeploymentName, model: ModelName, from: VersionReference?, to: VersionReference,
        state: RolloutState, step: Int, steps: Int, policy: Policy, createdAt: Timestamp
    ) {
        self.id = id
        self.deployment = deployment
        self.model = model
        self.from = from
        self.to = to
        self.state = state
        self.step = step
        self.steps = steps
        self.policy = policy
        self.createdAt = createdAt
        progress = Progress()
        decisions = []
    }
}

/// A command and its reason.
public struct RolloutCommandRequest: Codable, Hashable, Sendable {
    /// What to do.
    public var command: RolloutCommand
    /// Why; required, 1 to 500 characters, kept in the audit log.
    public var reason: String

    /// Makes a request.
    public init(command: RolloutCommand, reason: String) {
        self.command = command
        self.reason = reason
    }
}

/// An approval and its reason.
public struct ApprovalRequest: Codable, Hashable, Sendable {
    /// Why; required, 1 to 500 characters, kept with the rollout and in the audit log.
    public var reason: String

    /// Makes a request.
    public init(reason: String) {
        self.reason = reason
    }
}

/// What a person found out about a decision.
public struct DecisionLabelRequest: Codable, Hashable, Sendable {
    /// The finding.
    public var label: DecisionLabel.Value

    /// Makes a request.
    public init(label: DecisionLabel.Value) {
        self.label = label
    }
}

/// Everything a step's decisions rest on: recomputing them needs nothing else.
public struct StepEvidence: Codable, Hashable, Sendable {
    /// The step, counted from 1.
    public var step: Int
    /// What was frozen when the step was drawn.
    public var experiment: StepExperiment
    /// One packed row per judged tick (``TickEvidence``), base64, oldest first.
    public var rows: [String]

    /// Makes a step's evidence.
    public init(step: Int, experiment: StepExperiment, rows: [String]) {
        self.step = step
        self.experiment = experiment
        self.rows = rows
    }
}

/// The evidence of a rollout, step by step.
public struct RolloutEvidence: Codable, Hashable, Sendable {
    /// The rollout.
    public var rollout: RolloutID
    /// Its steps that were drawn.
    public var steps: [StepEvidence]
    /// What its policy says about each metric.
    public var metrics: [MetricPolicy]
    /// Its decisions.
    public var decisions: [Decision]
    /// When retention removed what the steps had; nil while it is kept.
    public var removedAt: Timestamp?

    /// Makes a rollout's evidence.
    public init(rollout: RolloutID, steps: [StepEvidence], metrics: [MetricPolicy], decisions: [Decision]) {
        self.rollout = rollout
        self.steps = steps
        self.metrics = metrics
        self.decisions = decisions
    }
}

/// What applying a declaration did.
public struct ApplyResult<Resource: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// What changed.
    public enum Change: String, Codable, Hashable, Sendable {
        /// It is new.
        case created
        /// It was changed.
        case updated
        /// It was the same already.
        case unchanged
    }

    /// What changed.
    public var change: Change
    /// What holds now (or would hold, in a dry run).
    public var resource: Resource
    /// The rollout that this started, where it did.
    public var rollout: RolloutID?
    /// What a person should know, such as that the selector matches no device.
    public var warnings: [String]

    /// Makes a result.
    public init(change: Change, resource: Resource, rollout: RolloutID? = nil, warnings: [String] = []) {
        self.change = change
        self.resource = resource
        self.rollout = rollout
        self.warnings = warnings
    }
}
