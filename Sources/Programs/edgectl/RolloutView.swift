import CanaryAnalysis
import Fleet
import Rollouts
import Terminal
import WireFormat

/// A rollout as lines: who, how far, what the evidence says against its bounds, why it waits, what was decided.
struct RolloutView {
    let rollout: RolloutResource
    let now: Timestamp
    let palette: Palette
    /// The width of bars, columns.
    private static let barWidth = 24

    /// The whole view.
    var lines: [StyledText] {
        head + progress + judgement + worseBaseline + wait + decisions
    }

    private var head: [StyledText] {
        let ended = rollout.endedAt.map { "ended \(Rendering.age($0, now: now)) ago" }
        var lines: [StyledText] = [
            StyledText("\(rollout.id)  ", .strong)
                + StyledText("\(rollout.model)  \(rollout.from?.name.rawValue ?? "nothing") -> \(rollout.to.name)  ")
                + rollout.state.styled
                + StyledText("  \(ended ?? "started \(Rendering.age(rollout.createdAt, now: now)) ago")", .faint)
        ]
        var step = "step \(rollout.step)/\(rollout.steps)"
        if rollout.method == .absolute {
            step += " (1 device)"
        } else if rollout.method == .model {
            step += " (picked canaries)"
        } else if rollout.step > 0, rollout.step <= rollout.policy.steps.count {
            step += " (\(rollout.policy.steps[rollout.step - 1]))"
        }
        let isWatched = rollout.guarantee != nil
        if let started = rollout.stepStartedAt, !isWatched { step += ", for \(Rendering.age(started, now: now))" }
        if let deadline = rollout.stepDeadlineAt, !rollout.state.isFinal, !isWatched {
            step += ", deadline \(Rendering.age(deadline, now: now))"
        }
        lines.append(StyledText("  " + step))
        if let method = rollout.method {
            lines.append(StyledText("  judged \(method.words)", method == .draw ? .faint : .notice))
        }
        if let guarantee = rollout.guarantee { lines.append(StyledText("  watch     \(guarantee)", .faint)) }
        if let budget = rollout.budget?.sentence { lines.append(StyledText("  " + budget, .faint)) }
        if rollout.policy.approvals > 0 { lines += approvals }
        if rollout.policy.dryRun {
            lines.append(
                StyledText("  dry run: judged, but neither taken back nor halted by the judge", .notice))
        }
        return lines
    }

    private var approvals: [StyledText] {
        var lines = [StyledText("  author    \(rollout.author ?? "-")", .faint)]
        for one in rollout.approvals ?? [] {
            lines.append(
                StyledText("  approved  by \(one.by) \(Rendering.age(one.at, now: now)) ago: \(one.reason)", .faint))
        }
        if let missing = rollout.approvalsMissing {
            let named = (rollout.approvers ?? []).joined(separator: ", ")
            let who = named.isEmpty ? "nobody has a key that may give it" : "by key: " + named
            lines.append(StyledText("  awaits    \(missing) approval\(missing == 1 ? "" : "s"); \(who)", .notice))
        }
        return lines
    }

    private var progress: [StyledText] {
        let progress = rollout.progress
        let bar = Bar.filled(
            Double(progress.exposed), of: Double(max(1, progress.drawn)), width: Self.barWidth, palette: palette)
        var text = "  exposed   \(bar)  \(progress.exposed) of \(progress.drawn) drawn"
        if progress.commanded != progress.exposed { text += ", \(progress.commanded) commanded" }
        if progress.failed > 0 { text += ", \(progress.failed) failed" }
        if progress.returning + progress.restored > 0 {
            text += ", \(progress.restored) restored, \(progress.returning) returning"
        }
        return [StyledText(text)]
    }

    private var judgement: [StyledText] {
        guard let judgement = rollout.judgement else {
            return rollout.from == nil ? [] : ["  no evidence yet"]
        }
        var lines: [StyledText] = [
            StyledText(
                "  tick \(judgement.tick): \(judgement.armsInWords)" + Self.undecidable(judgement), .faint)
        ]
        for metric in judgement.metrics { lines += self.lines(metric, bound: judgement.bound) }
        let events = judgement.events.map { event in
            "\(event.name) \(event.canaries)/\(event.others) (\(Rendering.number(event.evidence)))"
        }
        if !events.isEmpty {
            lines.append(StyledText("  events    \(events.joined(separator: ", ")) canary/others (evidence)", .faint))
        }
        lines += judgement.gates.map(line)
        return lines
    }

    private static func undecidable(_ judgement: TickJudgement) -> String {
        guard !judgement.canDecide else { return "" }
        let needed = judgement.devicesNeeded.map { "; a test needs \($0) devices" } ?? ""
        return "; too few to decide anything" + needed
    }

    private func lines(_ metric: MetricJudgement, bound: Double?) -> [StyledText] {
        let head =
            StyledText("  \(metric.metric)  ", .strong) + metric.verdict.styled
            + StyledText("  \(MetricText(metric: metric).line)")
        guard metric.mode == .guard else { return [head + StyledText("  watched", .faint)] }
        return [
            head,
            gauge("harm", metric.evidence, bound, full: .bad, note: metric.strongestTest),
            gauge(
                "safety", metric.safetyEvidence, metric.safetyBound, full: .good,
                note: metric.isProven ? "proven" : ""),
        ]
    }

    /// Evidence as a bar that is full at its bound.
    private func gauge(
        _ name: String, _ value: Double, _ bound: Double?, full: Style, note: String
    ) -> StyledText {
        let bar = Bar.filled(value, of: bound ?? 0, width: Self.barWidth, palette: palette)
        let padding = String(repeating: " ", count: 8 - name.count)
        let isFull = bound.map { value >= $0 } ?? false
        return StyledText("    \(name)\(padding)") + StyledText(bar, isFull ? full : .plain)
            + StyledText("  \(Rendering.number(value)) of \(Rendering.number(bound))")
            + StyledText(note.isEmpty ? "" : "  \(note)", .faint)
    }

    private func line(_ gate: GateStanding) -> StyledText {
        let sign = gate.isOpen ? StyledText("open  ", .good) : StyledText("closed", .notice)
        let padding = String(repeating: " ", count: max(1, 14 - gate.gate.rawValue.count))
        return StyledText("  gate \(gate.gate.rawValue)\(padding)") + sign + StyledText("  \(gate.detail)", .faint)
    }

    /// That the version devices come from is the worse one, and the way out where a person decides.
    private var worseBaseline: [StyledText] {
        guard let worse = rollout.worseBaseline else { return [] }
        return [StyledText("  \(worse.sentence)", .notice)] + worse.offers.map { StyledText("    \($0)") }
    }

    private var wait: [StyledText] {
        guard let reason = rollout.waitReason else { return [] }
        let since = rollout.waitSince.map { " for \(Rendering.age($0, now: now))" } ?? ""
        return [StyledText("  waits\(since): ", .notice) + StyledText("\(rollout.waitSentence ?? reason) (\(reason))")]
    }

    private var decisions: [StyledText] {
        rollout.decisions.suffix(5).map { decision in
            StyledText("  \(Rendering.age(decision.at, now: now)) ago  ", .faint)
                + StyledText(RolloutNarrator.decision(decision), decision.kind.style)
        }
    }
}

extension Verdict {
    /// The verdict in its colour.
    fileprivate var styled: StyledText {
        switch self {
        case .pass: StyledText(rawValue, .good)
        case .fail: StyledText(rawValue, .bad)
        case .undecided, .nodata: StyledText(rawValue, .faint)
        }
    }
}

extension DecisionKind {
    /// The colour of a decision.
    var style: Style {
        switch self {
        case .advance, .promote, .resume, .retry: .good
        case .hold, .halt: .notice
        case .rollback: .bad
        }
    }
}
