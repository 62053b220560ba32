import Fleet
import Rollouts
import Terminal

/// Decisions beside what the stored evidence gives: `edgectl rollout explain --recompute`.
struct RecomputedDecisions {
    /// One decision and what came of replaying it.
    struct Row: Encodable {
        let decision: Decision
        let recomputed: String
        let difference: String?
    }

    let rows: [Row]

    init(_ decisions: [Decision], _ replay: DecisionReplay) {
        rows = decisions.map { decision in
            let found = RolloutReport.Recomputed(replay.outcome(of: decision))
            return Row(decision: decision, recomputed: found.outcome, difference: found.difference)
        }
    }

    /// Prints the comparison.
    ///
    /// - Throws: a failing exit where a decision does not follow from the evidence.
    func compare(_ output: OutputOptions, _ rollout: RolloutID) throws {
        var table = Table([.init("DECISION", .right), .init("KIND"), .init("REASON"), .init("RECOMPUTED")])
        for row in rows {
            table.add([
                StyledText("\(row.decision.number)"), StyledText(row.decision.kind.rawValue),
                StyledText(row.decision.reason), row.shown,
            ])
        }
        try output.printTable(rows, table, ifEmpty: "\(rollout) has no decisions yet")
        if rows.contains(where: { $0.recomputed == "differs" }) {
            Console.error.print(StyledText("error: ", .bad) + "a decision does not follow from the stored evidence")
            throw QuietExit(status: .failure)
        }
    }
}

extension RecomputedDecisions.Row {
    /// The outcome in a table.
    fileprivate var shown: StyledText {
        switch recomputed {
        case "reproduced": StyledText(recomputed, .good)
        case "differs": StyledText("differs: \(difference ?? "")", .bad)
        default: StyledText("not from evidence (\(decision.actor ?? decision.cause.rawValue))", .faint)
        }
    }
}
