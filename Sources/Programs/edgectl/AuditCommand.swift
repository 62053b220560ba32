import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// `edgectl audit`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Shows who did what, and proves that nobody changed it since.",
        subcommands: [AuditList.self, AuditExportCommand.self, AuditVerify.self], defaultSubcommand: AuditList.self)
}

/// `edgectl audit list`.
struct AuditList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows who did what and what was decided, newest last.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "How many of the newest rows, 1 to 100000.") var limit = 50
    @Option(help: "Only rows below this number.") var before: UInt64?

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be 1 to 100000.") }
    }

    func run() throws {
        let controller = try server.connect()
        let events = Array(try controller.audit(before: before, limit: limit).reversed())
        try output.printTable(events, Self.table(events), ifEmpty: "no rows")
        // Fewer than were asked for: the log has no more, and whoever reads must know why.
        guard events.count < limit, let beginning = try controller.auditBeginning() else { return }
        Console.note(
            "the log begins behind row \(beginning.number): retention removed the rows before at \(beginning.at)")
    }

    static func table(_ events: [AuditEvent]) -> Table {
        var table = Table([
            .init("NUMBER", .right), .init("AT"), .init("WHO"), .init("WHAT"), .init("ON"), .init("DETAIL"),
        ])
        for event in events {
            let detail = event.detail.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            table.add([
                StyledText("\(event.number)"), StyledText("\(event.at)"), StyledText(event.actor),
                StyledText(event.action), StyledText(event.subject), StyledText(detail.joined(separator: ", "), .faint),
            ])
        }
        return table
    }
}
