import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl rollout placebos`.
struct RolloutPlacebos: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "placebos", abstract: "Shows how often the judge was wrong about the version that ran already.",
        discussion: """
            A deployment with `placebo: {everyHours: 168}` has some of its devices install their version once more, \
            once in every period. The rate of false rollbacks is given with its exact 95 % interval.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Of this model only.", transform: { try ModelName($0) }) var model: ModelName?

    func run() throws {
        let records = Self.records(try server.connect().rollouts(model: model, active: nil))
        try output.printTable(
            records, Self.table(records),
            ifEmpty: "no placebo rollouts; `placebo: {everyHours: 168}` in a deployment has one a week")
    }

    /// One record per deployment that has had any, by name.
    static func records(_ rollouts: [RolloutResource]) -> [PlaceboRecord] {
        let placebos = Dictionary(grouping: rollouts.filter { $0.placebo != nil }, by: \.deployment)
        return placebos.sorted { $0.key < $1.key }.map { deployment, placebos in
            let newest = placebos.max { $0.createdAt < $1.createdAt }
            return PlaceboRecord(
                deployment, outcomes: placebos.compactMap { $0.placebo?.outcome },
                allowed: newest?.policy.placeboErrorShare ?? 0)
        }
    }

    static func table(_ records: [PlaceboRecord]) -> Table {
        var table = Table([
            .init("DEPLOYMENT"), .init("JUDGED", .right), .init("PASSED", .right), .init("FALSE ROLLBACKS", .right),
            .init("FALSE HALTS", .right), .init("UNDECIDED", .right), .init("RATE", .right),
            .init("95 % INTERVAL", .right), .init("ALLOWED", .right),
        ])
        for record in records {
            let interval = record.rateLower.flatMap { lower in
                record.rateUpper.map { "\(Figure.percent(lower)) to \(Figure.percent($0))" }
            }
            table.add([
                StyledText("\(record.deployment)"), StyledText("\(record.judged)"), StyledText("\(record.passed)"),
                StyledText("\(record.falseRollbacks)"), StyledText("\(record.falseHalts)"),
                StyledText("\(record.undecided)"), StyledText(record.rate.map(Figure.percent) ?? "-"),
                StyledText(interval ?? "-"), StyledText(Figure.percent(record.allowed)),
            ])
        }
        return table
    }
}

extension Placebo {
    /// The placebo and how it ended, in its colour.
    var styled: StyledText {
        switch outcome {
        case nil: "placebo"
        case .passed: StyledText("placebo: passed", .good)
        case .falseRollback: StyledText("placebo: false_rollback", .bad)
        case .falseHalt: StyledText("placebo: false_halt", .bad)
        case .undecided: StyledText("placebo: undecided", .notice)
        case .superseded: StyledText("placebo: superseded", .faint)
        }
    }
}
