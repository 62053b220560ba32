public import CanaryAnalysis
public import Fleet

/// What one decision rests on, judged again from the stored evidence: everything that a page about it shows.
///
/// The judge is the one that decided, so that report and decision cannot differ; where they do, ``recomputed`` says it.
public struct RolloutReport: Codable, Hashable, Sendable {
    /// The rollout, as far as a reader must know it.
    public struct Subject: Codable, Hashable, Sendable {
        /// The id.
        public var id: RolloutID
        /// The deployment.
        public var deployment: DeploymentName
        /// The model.
        public var model: ModelName
        /// The version devices come from; nil for a first installation.
        public var from: VersionReference?
        /// The version they move to.
        public var to: VersionReference
        /// The state now.
        public var state: RolloutState
        /// The policy as it was frozen.
        public var policy: Policy
        /// What it may spend of the policy's error budget; nil where that is not known.
        public var budget: RolloutBudget?
        /// What judges the watch, and with which guarantee; nil before the promotion.
        public var guarantee: String?
        /// When it was declared.
        public var createdAt: Timestamp
        /// When the first device ran the new version.
        public var firstExposedAt: Timestamp?
        /// When it ended.
        public var endedAt: Timestamp?
        /// When retention removed its evidence; nil while it is kept.
        public var evidenceRemovedAt: Timestamp?

        /// Describes a rollout that has not exposed anybody.
        public init(
            id: RolloutID, deployment: DeploymentName, model: ModelName, from: VersionReference?,
            to: VersionReference, state: RolloutState, policy: Policy, createdAt: Timestamp
        ) {
            self.id = id
            self.deployment = deployment
            self.model = model
            self.from = from
            self.to = to
            self.state = state
            self.policy = policy
            self.createdAt = createdAt
        }
    }

    /// What replaying the decision gave.
    public struct Recomputed: Codable, Hashable, Sendable {
        /// `reproduced`, `differs`, `not_from_evidence` or `evidence_removed`.
        public var outcome: String
        /// What differs.
        public var difference: String?

        /// Nothing can be replayed: retention has removed the evidence.
        static let evidenceRemoved = Recomputed()

        private init() { outcome = "evidence_removed" }

        /// Describes an outcome.
        public init(_ outcome: DecisionReplay.Outcome) {
            switch outcome {
            case .reproduced: self.outcome = "reproduced"
            case .differs(let what):
                self.outcome = "differs"
                difference = what
            case .notFromEvidence: self.outcome = "not_from_evidence"
            }
        }
    }

    /// The rollout.
    public var subject: Subject
    /// The decision that is explained.
    public var decision: Decision
    /// All decisions, oldest first.
    public var decisions: [Decision]
    /// What replaying the decision gave.
    public var recomputed: Recomputed
    /// The steps that were drawn by then, each with its series up to the decision.
    public var steps: [StepReport]
    /// The step whose evidence decided, counted from 1; nil where there is no evidence.
    public var decidingStep: Int?
    /// The class of canaries that carries the harm, such as `hw=orin`; nil where none stands out.
    public var suspect: String?
    /// The word that the version devices come from is the worse one; nil where that is not proven.
    public var worseBaseline: WorseBaseline?
    /// What would have come of the same evidence under small changes.
    public var alternatives: [Alternative]

    /// A step by its number, or the watch.
    public func name(ofStep number: Int) -> String {
        steps.contains { $0.step == number && $0.plan.isWatch } ? "the watch" : "step \(number)"
    }

    /// The step whose evidence decided.
    public var deciding: StepReport? { steps.first { $0.step == decidingStep } }
}

/// One step of a rollout as a report shows it.
public struct StepReport: Codable, Hashable, Sendable {
    /// The step, counted from 1.
    public var step: Int
    /// The key of the assignments and of thinning; together with the evidence it determines every figure.
    public var seed: UInt64
    /// The length of a tick in seconds.
    public var tickSeconds: Double
    /// Devices drawn.
    public var canaries: Int
    /// Devices compared with.
    public var others: Int
    /// How many units both are; nil where the units are the devices.
    public var units: UnitCounts?
    /// What was frozen about the metrics.
    public var metrics: [MetricPlan]
    /// What was frozen about the test.
    public var plan: TestPlan
    /// The judge's words at the decision; nil where no tick was judged by then.
    public var judgement: TickJudgement?
    /// The series up to the decision, one point per tick.
    public var points: [TickPoint]
    /// SHA-256 over all stored rows of the step, one after another; nil where nobody computed it.
    public var evidenceDigest: String?

    init(_ experiment: StepExperiment, _ judgements: ArraySlice<TickJudgement>) {
        step = experiment.step
        seed = experiment.seed
        tickSeconds = experiment.tickSeconds
        canaries = experiment.canaries
        others = experiment.devices.count - experiment.canaries
        units = experiment.unitCounts
        metrics = experiment.metrics
        plan = experiment.plan
        judgement = judgements.last
        points = judgements.map(TickPoint.init)
    }

    /// How many were drawn of how many: `8 canaries of 24`, or `12 sites, 96 devices of 60 sites, 496 devices`.
    public var cohortInWords: String {
        guard let units else { return "\(canaries) canaries of \(canaries + others)" }
        return UnitCounts.words(units.canaries, by: units.label, devices: canaries) + " of "
            + UnitCounts.words(units.canaries + units.others, by: units.label, devices: canaries + others)
    }
}

/// What a series shows of one tick.
public struct TickPoint: Codable, Hashable, Sendable {
    /// What a series shows of one metric at one tick.
    public struct Metric: Codable, Hashable, Sendable {
        /// The metric's name.
        public var metric: String
        /// The share or mean on the canary's new version; nil without requests.
        public var canaryValue: Double?
        /// The share or mean in the comparison; nil without requests.
        public var baselineValue: Double?
        /// The estimated effect.
        public var effect: Double
        /// Lower end of its interval; nil where there is none.
        public var effectLower: Double?
        /// Upper end; nil where there is none.
        public var effectUpper: Double?
        /// Evidence of harm.
        public var evidence: Double
        /// Evidence of safety.
        public var safetyEvidence: Double
        /// What it must reach; nil where nothing can reach it yet.
        public var safetyBound: Double?
        /// Whether the proof of safety was made.
        public var isProven: Bool
    }

    /// The tick, counted from 1.
    public var tick: Int
    /// The largest evidence of harm of all rows.
    public var evidence: Double
    /// What it must exceed; nil where nothing can.
    public var bound: Double?
    /// Canaries that run the new version.
    public var exposed: Int
    /// The metrics, in the plan's order.
    public var metrics: [Metric]

    init(_ judgement: TickJudgement) {
        tick = judgement.tick
        evidence = judgement.evidence
        bound = judgement.bound
        exposed = judgement.exposed
        metrics = judgement.metrics.map { metric in
            Metric(
                metric: metric.metric, canaryValue: metric.canaryValue, baselineValue: metric.baselineValue,
                effect: metric.effect, effectLower: metric.effectLower, effectUpper: metric.effectUpper,
                evidence: metric.evidence, safetyEvidence: metric.safetyEvidence, safetyBound: metric.safetyBound,
                isProven: metric.isProven)
        }
    }
}
