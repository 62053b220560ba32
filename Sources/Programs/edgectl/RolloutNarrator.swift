import CanaryAnalysis
import Fleet
import Rollouts
import Terminal
import WireFormat

/// Turns a rollout's changes into events: one line each, with its time.
///
/// Evidence that merely grows is no event; who wants that looks at the live view or the metrics.
struct RolloutNarrator {
    private var last: RolloutResource?

    /// The events since the last call; the first call tells how things stand.
    mutating func events(of rollout: RolloutResource, now: Timestamp) -> [String] {
        defer { last = rollout }
        guard let last else { return ["\(now)  " + Self.opening(rollout)] }
        var events: [String] = []
        if rollout.step != last.step {
            events.append("step \(rollout.step)/\(rollout.steps) started: \(rollout.progress.drawn) devices drawn")
        }
        if let guarantee = rollout.guarantee, last.guarantee == nil { events.append("watch: \(guarantee)") }
        events += Self.progress(rollout.progress, since: last.progress)
        events += Self.verdicts(rollout.judgement, since: last.judgement)
        if let reason = rollout.waitReason, reason != last.waitReason {
            events.append("waits (\(reason)): \(rollout.waitSentence ?? "")")
        }
        if let worse = rollout.worseBaseline, worse.metrics != last.worseBaseline?.metrics {
            events.append(worse.sentence)
        }
        let timed = events.map { "\(now)  \($0)" } + Self.labels(rollout.decisions, since: last.decisions, now: now)
        let decisions = rollout.decisions.dropFirst(last.decisions.count).map { "\($0.at)  " + Self.decision($0) }
        guard rollout.state != last.state else { return timed + decisions }
        return timed + decisions + ["\(now)  state \(last.state.rawValue) -> \(rollout.state.rawValue)"]
    }

    private static func opening(_ rollout: RolloutResource) -> String {
        "rollout \(rollout.id) of \(rollout.model): \(rollout.from?.description ?? "nothing") -> \(rollout.to), "
            + "\(rollout.state.rawValue), step \(rollout.step)/\(rollout.steps), "
            + "\(rollout.progress.exposed) of \(rollout.progress.drawn) drawn devices exposed"
            + (rollout.decisions.last.map { "; last decision: \(decision($0))" } ?? "")
    }

    /// A decision in one line.
    static func decision(_ decision: Decision) -> String {
        var text = "decision \(decision.number): \(decision.words) by \(decision.actor ?? decision.cause.rawValue)"
        if let metric = decision.metric { text += ", \(metric)" }
        if let test = decision.test { text += " (\(test))" }
        if let evidence = decision.evidence {
            text += ", evidence \(Rendering.number(evidence)) against \(Rendering.number(decision.bound))"
        }
        if let effect = decision.effect { text += ", effect \(MetricText.effect(effect, decision.metricKind))" }
        return text + ": \(decision.sentence)" + (decision.label.map { " [\($0.said)]" } ?? "")
    }

    /// What people found out about decisions that were known already.
    private static func labels(_ decisions: [Decision], since last: [Decision], now: Timestamp) -> [String] {
        zip(decisions, last).compactMap { decision, before in
            guard decision.label?.value != before.label?.value else { return nil }
            return "\(now)  decision \(decision.number) is labelled: \(decision.label?.said ?? "no label any more")"
        }
    }

    private static func progress(
        _ progress: RolloutResource.Progress, since last: RolloutResource.Progress
    ) -> [String] {
        var events: [String] = []
        if progress.exposed > last.exposed {
            events.append("\(progress.exposed) of \(progress.commanded) commanded devices run the new version")
        }
        if progress.failed > last.failed { events.append("\(progress.failed) devices failed to update") }
        if progress.restored > last.restored {
            events.append("\(progress.restored) devices are back, \(progress.returning) still returning")
        }
        return events
    }

    private static func verdicts(_ judgement: TickJudgement?, since last: TickJudgement?) -> [String] {
        guard let judgement else { return [] }
        return judgement.metrics.compactMap { metric in
            let before = last?.metrics.first { $0.metric == metric.metric }?.verdict
            guard metric.verdict != before, metric.verdict != .nodata else { return nil }
            let text = MetricText(metric: metric)
            return "\(metric.metric): \(metric.verdict.rawValue), canary \(text.value(metric.canaryValue)), baseline "
                + "\(text.value(metric.baselineValue)), effect \(MetricText.effect(metric.effect, metric.kind)), "
                + "evidence \(Rendering.number(metric.evidence)) against \(Rendering.number(judgement.bound))"
        }
    }
}

extension Decision {
    /// What was decided, or would have been.
    var words: String {
        guard dryRun else { return kind.rawValue }
        return switch kind {
        case .rollback: "would roll back"
        case .advance, .promote, .hold, .halt, .resume, .retry: "would \(kind.rawValue)"
        }
    }
}
