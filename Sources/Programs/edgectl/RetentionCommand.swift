import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl retention`.
struct RetentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention", abstract: "Shows how long what is collected is kept, and what would go now.",
        discussion: """
            Nothing is removed by this. The settings are options of `edge-controller serve`; with the options here it \
            shows what other settings would remove, before you choose them: `edgectl retention --keep-artifacts 90d`.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "As if evidence were kept so long, such as 90d or forever.", transform: Self.time)
    var keepEvidence: KeptTime?
    @Option(help: "As if the audit log were kept so long.", transform: Self.time) var keepAudit: KeptTime?
    @Option(help: "As if the artifacts of unused versions were kept so long.", transform: Self.time)
    var keepArtifacts: KeptTime?

    func run() throws {
        var choice: [RetentionKind: KeptTime] = [:]
        choice[.evidence] = keepEvidence
        choice[.audit] = keepAudit
        choice[.artifacts] = keepArtifacts
        let retention = try server.connect().retention(choice)
        try output.print(retention) {
            let looked = retention.lookedAt.map { "last looked at \($0)" } ?? "not looked since the controller started"
            return Self.table(retention).lines() + [StyledText(looked, .faint)]
        }
    }

    static func table(_ retention: RetentionResource) -> Table {
        var table = Table([
            .init("KIND"), .init("KEPT"), .init("WOULD GO", .right), .init("SIZE", .right), .init("WHAT"),
        ])
        for one in retention.expired {
            let shown = one.names.prefix(5).joined(separator: ", ")
            let more = one.names.count > 5 ? " and \(one.names.count - 5) more" : ""
            table.add([
                StyledText(one.kind.rawValue), StyledText(one.kept.description), StyledText("\(one.count)"),
                StyledText(one.bytes.map { Quantity.bytes($0) } ?? "-"), StyledText(shown + more, .faint),
            ])
        }
        return table
    }

    private static func time(_ text: String) throws -> KeptTime {
        guard let time = KeptTime(text) else {
            throw ValidationError("use forever, or a number and d, h, m or s, such as 90d.")
        }
        return time
    }
}
