public import CanaryAnalysis
import Fleet

/// The word that the version a rollout comes from is the worse one: holding the new version back does harm.
public struct WorseBaseline: Codable, Hashable, Sendable {
    /// The metrics that show it, in the plan's order.
    public var metrics: [String]
    /// The versions' names: the worse one, then the better one.
    public var versions: [String]

    /// Looks for it in a step's judgement; nil where nothing is proven.
    ///
    /// Where a step's devices are too few to prove harm they are too few to prove the opposite.
    public init?(_ judgement: TickJudgement?, from: VersionReference?, to: VersionReference) {
        guard let judgement, judgement.canDecide, let from else { return nil }
        metrics = judgement.metrics.filter(\.isBaselineWorse).map(\.metric)
        guard !metrics.isEmpty else { return nil }
        versions = [from.name.rawValue, to.name.rawValue]
    }

    /// A sentence for people.
    public var sentence: String {
        "the baseline is the worse one: \(versions[0]) does worse than \(versions[1]) in "
            + "\(metrics.joined(separator: ", "))"
    }

    /// Whether a person could promote a rollout in this state.
    public static func canPromote(_ state: RolloutState) -> Bool {
        switch state {
        case .holding, .halted: true
        case .pending, .progressing, .rollingBack, .rolledBack, .watching, .completed, .superseded: false
        }
    }
}
