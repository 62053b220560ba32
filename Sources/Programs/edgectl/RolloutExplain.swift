import ArgumentParser
import CanaryAnalysis
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import Rollouts
import Terminal
import WebPages
import WireFormat

/// `edgectl rollout explain`.
struct RolloutExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows what a decision rests on and what would have changed it, judged again from the evidence.",
        discussion: """
            The stored evidence is fetched and judged in this process, once as it is and once for each small change \
            that might have changed the decision. Without --decision it is the last that moved or stopped the version. \
            -o json prints all series; --html writes a page that opens from disk. --recompute compares every decision \
            with what comes out, to 1e-9, and exits 1 where one differs.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Option(help: "The decision with this number; with --recompute only that one.") var decision: Int?
    @Option(help: "Write the report as a page to this file.") var html: String?
    @Flag(
        inversion: .prefixedNo, help: "Judge the evidence again under small changes; takes as long as a dozen judgings."
    )
    var whatIf = true
    @Flag(help: "Compare each decision with what the evidence gives.") var recompute = false

    func run() throws {
        let controller = try server.connect()
        let evidence = try controller.evidence(of: rollout)
        if let decision, !evidence.decisions.contains(where: { $0.number == decision }) {
            throw CommandFailure.invalid(
                "\(rollout) has no decision \(decision); it has \(evidence.decisions.count)")
        }
        if recompute, let removed = evidence.removedAt {
            throw CommandFailure.failed(
                "the evidence of \(rollout) was removed at \(removed), because it is kept no longer; its decisions "
                    + "stay but cannot be recomputed (`edge-controller serve --keep-evidence`)")
        }
        let steps = try Self.steps(evidence)
        let replay = DecisionReplay(steps, policies: evidence.metrics)
        if recompute {
            return try RecomputedDecisions(
                evidence.decisions.filter { decision == nil || $0.number == decision }, replay
            )
            .compare(output, rollout)
        }
        let chosen =
            evidence.decisions.first { $0.number == decision } ?? RolloutReport.mattering(among: evidence.decisions)
        guard let chosen else {
            return try output.print([Decision]()) {
                ["\(rollout) has no decisions yet; `edgectl rollout watch \(rollout)`"]
            }
        }
        var report = RolloutReport(
            chosen, of: RolloutReport.Subject(try controller.rollout(rollout).rollout), decisions: evidence.decisions,
            steps: steps, replay: replay, asksWhatIf: whatIf)
        for index in report.steps.indices {
            report.steps[index].evidenceDigest = try Self.digest(evidence.steps[index])
        }
        try show(report)
    }

    private func show(_ report: RolloutReport) throws {
        if let html {
            let footer = "Written at \(Console.now) by edgectl \(Edgectl.version) from the evidence of \(rollout)."
            try Data(ReportPage(report, footer: footer).html.utf8).write(to: URL(filePath: html))
            guard output.isForPeople else { return try output.print(report) { [] } }
            return Console.output.print("wrote \(html): \(report.headline)")
        }
        try output.print(report) {
            ReportView(report: report, columns: Console.output.size.columns, palette: Console.output.palette).lines
        }
    }

    /// The steps as they were stored, their rows read.
    static func steps(_ evidence: RolloutEvidence) throws -> [DecisionReplay.Step] {
        try evidence.steps.map { step in
            DecisionReplay.Step(
                experiment: step.experiment,
                rows: try step.rows.enumerated().map { index, row in
                    try TickEvidence(decoding: try bytes(row, step.step, index + 1))
                })
        }
    }

    /// SHA-256 over a step's rows, one after another.
    private static func digest(_ step: StepEvidence) throws -> String {
        var hasher = SHA256Hasher()
        for (index, row) in step.rows.enumerated() { hasher.update(try bytes(row, step.step, index + 1)) }
        return hasher.finalize().hex
    }

    private static func bytes(_ row: String, _ step: Int, _ tick: Int) throws -> [UInt8] {
        guard let bytes = Base64.standard.decode(row) else {
            throw CommandFailure.failed("step \(step), tick \(tick): the row is not base64")
        }
        return bytes
    }
}

extension RolloutReport.Subject {
    /// The rollout as the controller shows it.
    init(_ rollout: RolloutResource) {
        self.init(
            id: rollout.id, deployment: rollout.deployment, model: rollout.model, from: rollout.from, to: rollout.to,
            state: rollout.state, policy: rollout.policy, createdAt: rollout.createdAt)
        budget = rollout.budget
        guarantee = rollout.guarantee
        firstExposedAt = rollout.firstExposedAt
        endedAt = rollout.endedAt
        evidenceRemovedAt = rollout.evidenceRemovedAt
    }
}
