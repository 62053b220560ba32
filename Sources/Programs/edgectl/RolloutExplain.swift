import ArgumentParser
import CanaryAnalysis
import EdgeOrchestrator
import Fleet
import ModelTrust
import Rollouts
import Terminal
import WireFormat

/// `edgectl rollout explain`.
struct RolloutExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows what each decision rests on, judged again here from the stored evidence.",
        discussion: """
            The evidence is fetched and judged in this process. --recompute compares every decision with what comes \
            out, to 1e-9, and exits 1 where one differs.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Option(help: "Only the decision with this number.") var decision: Int?
    @Flag(help: "Compare each decision with what the evidence gives.") var recompute = false

    func run() throws {
        let evidence = try server.connect().evidence(of: rollout)
        let replay = try Self.replay(evidence)
        let wanted = evidence.decisions.filter { decision == nil || $0.number == decision }
        guard !wanted.isEmpty || decision == nil else {
            throw CommandFailure.invalid(
                "\(rollout) has no decision \(decision ?? 0); it has \(evidence.decisions.count)")
        }
        let explained = wanted.map { ExplainedDecision($0, replay) }
        if recompute { return try compare(explained) }
        try output.print(explained) {
            guard !explained.isEmpty else {
                return ["\(rollout) has no decisions yet; `edgectl rollout watch \(rollout)`"]
            }
            return explained.flatMap(\.lines)
        }
    }

    /// Judges the stored evidence again.
    static func replay(_ evidence: RolloutEvidence) throws -> DecisionReplay {
        let steps = try evidence.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment,
                rows: try step.rows.enumerated().map { index, row in
                    guard let bytes = Base64.standard.decode(row) else {
                        throw CommandFailure.failed("step \(step.step), tick \(index + 1): the row is not base64")
                    }
                    return try TickEvidence(decoding: bytes)
                })
        }
        return DecisionReplay(steps, policies: evidence.metrics)
    }

    private func compare(_ explained: [ExplainedDecision]) throws {
        var table = Table([.init("DECISION", .right), .init("KIND"), .init("REASON"), .init("RECOMPUTED")])
        for one in explained {
            let decision = one.decision
            table.add([
                StyledText("\(decision.number)"), StyledText(decision.words), StyledText(decision.reason),
                one.recomputed,
            ])
        }
        try output.printTable(explained, table, ifEmpty: "\(rollout) has no decisions yet")
        if explained.contains(where: \.differs) {
            Console.error.print(StyledText("error: ", .bad) + "a decision does not follow from the stored evidence")
            throw QuietExit(status: .failure)
        }
    }
}

/// A decision, the judgement before it, and what came of replaying it.
struct ExplainedDecision: Encodable {
    let decision: Decision
    /// The judgement of the decision's own step; nil where it was not made at a tick.
    let judgement: TickJudgement?
    private let outcome: DecisionReplay.Outcome

    private enum CodingKeys: String, CodingKey { case decision, judgement, recomputed, difference }

    init(_ decision: Decision, _ replay: DecisionReplay) {
        self.decision = decision
        judgement = replay.judgements(before: decision).last
        outcome = replay.outcome(of: decision)
    }

    var differs: Bool { if case .differs = outcome { true } else { false } }

    /// The outcome as a word.
    private var word: String {
        switch outcome {
        case .reproduced: "reproduced"
        case .differs: "differs"
        case .notFromEvidence: "not_from_evidence"
        }
    }

    /// The outcome in a table.
    var recomputed: StyledText {
        switch outcome {
        case .reproduced: StyledText("reproduced", .good)
        case .differs(let what): StyledText("differs: \(what)", .bad)
        case .notFromEvidence: StyledText("not from evidence (\(decision.actor ?? decision.cause.rawValue))", .faint)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(decision, forKey: .decision)
        try fields.encodeIfPresent(judgement, forKey: .judgement)
        try fields.encode(word, forKey: .recomputed)
        if case .differs(let what) = outcome { try fields.encode(what, forKey: .difference) }
    }

    /// One page for people.
    var lines: [StyledText] {
        var lines: [StyledText] = [
            StyledText("\(decision.at)  ", .faint)
                + StyledText("\(decision.number). \(decision.words)", decision.kind.style)
                + StyledText(" by \(decision.actor ?? decision.cause.rawValue) in step \(decision.step)"),
            StyledText("  why         \(decision.sentence) (\(decision.reason))"),
        ]
        if let evidence = decision.evidence {
            let place = [decision.metric, decision.test].compactMap { $0 }.joined(separator: ", ")
            let bound = Rendering.number(decision.bound)
            lines.append(
                StyledText("  evidence    \(Rendering.number(evidence)) against a bound of \(bound)  (\(place))"))
        }
        lines.append(StyledText("  exposed     \(decision.exposedDevices) devices ran the new version"))
        if let judgement { lines += Self.lines(judgement) }
        lines.append(StyledText("  recomputed  ") + recomputed)
        lines.append("")
        return lines
    }

    private static func lines(_ judgement: TickJudgement) -> [StyledText] {
        var lines = judgement.metrics.map { metric in
            StyledText(
                "  \(metric.metric)    \(metric.verdict.rawValue)\(metric.mode == .watch ? " (watched)" : ""), "
                    + MetricText(metric: metric).line)
        }
        for gate in judgement.gates where !gate.isOpen {
            lines.append(StyledText("  gate        \(gate.gate.rawValue) closed: \(gate.detail)", .notice))
        }
        if let first = judgement.contributions.first {
            let kind = judgement.metrics.first { $0.metric == first.metric }?.kind ?? .share
            let worst = judgement.contributions.map { "\($0.device) \(contribution($0, kind))" }
            let what = kind == .share ? "counted/expected" : "away from expectation, over all requests"
            lines.append(
                StyledText(
                    "  devices     \(worst.joined(separator: ", "))  (\(first.metric): \(what), worst first)", .faint))
        }
        return lines
    }

    private static func contribution(_ one: Contribution, _ kind: MetricPlan.Kind) -> String {
        switch kind {
        case .share: "\(Rendering.number(one.observed, digits: 0))/\(Rendering.number(one.expected, digits: 1))"
        case .mean: MetricText.effect(one.observed, .mean)
        }
    }
}
