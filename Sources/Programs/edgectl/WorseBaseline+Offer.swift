import Fleet
import Rollouts
import WireFormat

extension RolloutResource {
    /// That the version devices come from is the worse one, with the command that helps where a person decides.
    var worseBaseline: (metrics: [String], sentence: String, offers: [String])? {
        guard let worse = WorseBaseline(judgement, from: from, to: to) else { return nil }
        return (worse.metrics, worse.sentence, WorseBaseline.canPromote(state) ? [WorseBaseline.offer(id)] : [])
    }
}

extension WorseBaseline {
    /// How a person promotes the better version without waiting for proof.
    static func offer(_ rollout: RolloutID) -> String {
        "a person may promote it: edgectl rollout promote \(rollout) --reason \"the baseline is worse\""
    }
}
