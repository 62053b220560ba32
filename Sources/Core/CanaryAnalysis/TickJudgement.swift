/// What the evidence says about one metric or event.
public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
    /// Shown to be within its tolerance.
    case pass
    /// Harm is proven.
    case fail
    /// Neither.
    case undecided
    /// There is nothing to judge.
    case nodata
}

/// The judge's words on one metric at one tick.
public struct MetricJudgement: Codable, Hashable, Sendable {
    /// The metric's name.
    public var metric: String
    /// What it measures: a share in 0...1 or a mean in its own unit.
    public var kind: MetricPlan.Kind
    /// Which way harm goes.
    public var harm: MetricPlan.Harm
    /// What the metric may do.
    public var mode: MetricPlan.Mode
    /// The tolerated harm.
    public var margin: Margin
    /// The verdict.
    public var verdict: Verdict
    /// The share or mean on the canary's new version; nil without requests.
    public var canaryValue: Double?
    /// The share or mean in the comparison; nil without requests.
    public var baselineValue: Double?
    /// Requests of the canary in the judged window.
    public var canaryRequests: Double
    /// Requests of the comparison in the judged window.
    public var baselineRequests: Double
    /// Of a share the canary's count against expectation as a multiple of the others', of a mean how far the canary is
    /// above the others, both against their histories.
    public var effect: Double
    /// Lower end of the effect's 95 % interval (for display; by the test at this tick alone); nil where there is none.
    public var effectLower: Double?
    /// Upper end; nil where there is none.
    public var effectUpper: Double?
    /// Evidence of harm: weighted -ln p of the metric's strongest row.
    public var evidence: Double
    /// Which row that is.
    public var strongestTest: String
    /// Evidence of safety: -ln of the share of assignments that look at least as safe.
    public var safetyEvidence: Double
    /// What it must reach; infinite values are written as nil.
    public var safetyBound: Double?
    /// Whether the proof of safety was made in this step.
    public var isProven: Bool
    /// Whether the canary is proven to be better: the version it comes from is the worse one.
    public var isBaselineWorse: Bool
}

/// A condition of promotion.
public enum Gate: String, Codable, Hashable, Sendable, CaseIterable {
    /// The soak is over.
    case soak
    /// At least 80 % of the commanded run the new version.
    case exposure
    /// No more canaries are silent or broken than in the comparison.
    case silence
    /// No more heartbeats are missing than in the comparison.
    case completeness
    /// No class of canaries carries concentrated harm.
    case concentration
}

/// How a gate stands.
public struct GateStanding: Codable, Hashable, Sendable {
    /// The gate.
    public var gate: Gate
    /// Whether it lets through.
    public var isOpen: Bool
    /// What was measured, what is needed, in words.
    public var detail: String
}

/// Harm that decides: which metric, by which row, against which bound.
public struct HarmFinding: Codable, Hashable, Sendable {
    /// A stable code: `harm_proven`, `updates_failing`, `limit_breached` or `rule_broken`.
    public var reason: String
    /// The metric or event.
    public var metric: String
    /// The row of the test.
    public var test: String
    /// The evidence when it crossed.
    public var evidence: Double
    /// The bound it crossed.
    public var bound: Double
    /// The estimated effect now.
    public var effect: Double
    /// A class of canaries that carries it, such as `hw=orin`; nil where none stands out.
    public var suspect: String?
    /// A sentence for people.
    public var sentence: String
}

/// Why a step does not advance yet, or must not: a code and a sentence.
public struct HoldReason: Codable, Hashable, Sendable {
    /// A stable code.
    public var code: String
    /// A sentence for people: what is waited for and what would resolve it.
    public var sentence: String

    /// Makes a reason.
    public init(code: String, sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}

/// What the judge recommends.
public enum Recommendation: Codable, Hashable, Sendable {
    /// Take the version back.
    case rollback(HarmFinding)
    /// Stop and ask a person.
    case halt(HarmFinding)
    /// Go on to the next step; `isProven` is false where the step's list can decide nothing, or was judged by absolute
    /// rules.
    case advance(isProven: Bool)
    /// Grant nothing new.
    case hold(HoldReason)
    /// Go on watching.
    case undecided(HoldReason)
    /// Nothing to judge.
    case noData(HoldReason)
}

/// What is remembered of a device for an explanation.
public struct Contribution: Codable, Hashable, Sendable {
    /// The device's id.
    public var device: String
    /// The metric.
    public var metric: String
    /// Of a share its failures, of a mean the sum of its deviations from expectation.
    public var observed: Double
    /// The failures expected of it; 0 for a mean.
    public var expected: Double
    /// Its requests.
    public var requests: Double
}

/// The judge's words on one step at one tick.
public struct TickJudgement: Codable, Hashable, Sendable {
    /// The tick, counted from 1.
    public var tick: Int
    /// Devices drawn.
    public var canaries: Int
    /// Devices compared with.
    public var others: Int
    /// Canaries that run the new version.
    public var exposed: Int
    /// How many units both are; nil where the units are the devices.
    public var units: UnitCounts?
    /// How the step is judged.
    public var method: TestPlan.Method
    /// Where no test can serve the step: how many devices on its list one would need.
    public var devicesNeeded: Int?
    /// The metrics, in the plan's order.
    public var metrics: [MetricJudgement]
    /// Silence, crashes, failed starts and missed heartbeats: evidence by name.
    public var events: [EventJudgement]
    /// The largest evidence of all rows.
    public var evidence: Double
    /// What evidence must exceed at this tick; nil where no evidence of this step could ever exceed it.
    public var bound: Double?
    /// Whether the test has shown by this tick that the canary is worse, by however little.
    public var isWorse: Bool
    /// The metric or event with the largest evidence.
    public var leadingMetric: String
    /// Its row.
    public var leadingTest: String
    /// Whether any set of labels could reach the bounds of this step.
    public var canDecide: Bool
    /// Evidence of harm in failures by a model of devices instead of by the draw: ln of a bet's gain; decides only
    /// where a person picked the canaries.
    public var modelEvidence: Double
    /// The gates of promotion.
    public var gates: [GateStanding]
    /// The canaries that do worst by the leading metric, worst first, at most five.
    public var contributions: [Contribution]
    /// What is recommended.
    public var recommendation: Recommendation
    /// What other harm of this tick recommends beside it, for those who do not act on the first; nil for no other harm.
    public var alsoFound: [Recommendation]?

    /// Who is compared with whom: `8 canaries (6 exposed) against 16 others`, or
    /// `12 sites, 96 devices (80 exposed) against 48 sites, 400 devices`.
    public var armsInWords: String {
        guard let units else { return "\(canaries) canaries (\(exposed) exposed) against \(others) others" }
        return UnitCounts.words(units.canaries, by: units.label, devices: canaries) + " (\(exposed) exposed) against "
            + UnitCounts.words(units.others, by: units.label, devices: others)
    }
}

/// The judge's words on one kind of event.
public struct EventJudgement: Codable, Hashable, Sendable {
    /// `silence`, `crashes`, `failed_starts` or `completeness`.
    public var name: String
    /// How many canaries it happened to; for completeness, missed heartbeats.
    public var canaries: Int
    /// The same for the comparison.
    public var others: Int
    /// Its evidence.
    public var evidence: Double
}
