import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl rollout`.
struct RolloutCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Watches, explains and commands rollouts.",
        subcommands: [
            RolloutList.self, RolloutPlacebos.self, RolloutForecast.self, RolloutStatus.self, RolloutWatch.self,
            RolloutExplain.self,
            RolloutShow.self,
            RolloutApprove.self, RolloutAdvance.self, RolloutPromote.self, RolloutHalt.self, RolloutResume.self,
            RolloutRollback.self, RolloutRetry.self,
        ])
}

/// `edgectl rollout list`.
struct RolloutList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists rollouts, newest first.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Of this model only.", transform: { try ModelName($0) }) var model: ModelName?
    @Flag(help: "Only those under way.") var active = false

    func run() throws {
        let rollouts = try server.connect().rollouts(model: model, active: active ? true : nil)
        try output.printTable(
            rollouts, Self.table(rollouts, wide: output.isWide, now: Console.now),
            ifEmpty: "no rollouts; `edgectl apply` with a new version starts one")
    }

    static func table(_ rollouts: [RolloutResource], wide: Bool, now: Timestamp) -> Table {
        var table = Table([
            .init("ROLLOUT"), .init("MODEL"), .init("FROM"), .init("TO"), .init("STATE"), .init("STEP", .right),
            .init("EXPOSED", .right), .init("LAST DECISION"), .init("WAITS FOR"), .init("AGE"),
        ])
        for rollout in rollouts {
            table.add([
                StyledText("\(rollout.id)"), StyledText("\(rollout.model)"),
                StyledText(rollout.from.map { wide ? $0.description : $0.name.rawValue } ?? "-"),
                StyledText(wide ? rollout.to.description : rollout.to.name.rawValue),
                rollout.placebo?.styled ?? rollout.state.styled,
                StyledText("\(rollout.step)/\(rollout.steps)"), StyledText("\(rollout.progress.exposed)"),
                StyledText(rollout.decisions.last.map { "\($0.kind.rawValue) (\($0.cause.rawValue))" } ?? "-"),
                StyledText(rollout.waitReason ?? "-"), Rendering.time(rollout.createdAt, wide: wide, now: now),
            ])
        }
        return table
    }
}

/// What every order has: a rollout, a reason, and the same reply.
struct RolloutOrder: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Option(help: "Why; kept in the audit log, 1 to 500 characters.") var reason: String

    func validate() throws {
        guard (1...500).contains(reason.count) else { throw ValidationError("--reason must have 1 to 500 characters.") }
    }

    func give(_ command: RolloutCommand) throws {
        let after = try server.connect().command(command, rollout: rollout, reason: reason)
        try output.print(after) {
            var lines: [StyledText] = ["rollout \(after.id) is now \(after.state.rawValue)"]
            if after.id != rollout {
                lines.append("\(rollout) stays as it ended; follow the new one: edgectl rollout watch \(after.id)")
            }
            return lines
        }
    }
}

/// `edgectl rollout approve`.
struct RolloutApprove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approves that a rollout starts, where its policy wants that of others.",
        discussion: "Neither its author nor a machine can; a person's keys are those of one name.")
    @OptionGroup var order: RolloutOrder

    func run() throws {
        let after = try order.server.connect().approve(order.rollout, reason: order.reason)
        try order.output.print(after) {
            let missing = after.approvalsMissing.map { "; \($0) more to come" } ?? ""
            return ["rollout \(after.id) is approved and now \(after.state.rawValue)\(missing)"]
        }
    }
}

/// `edgectl rollout advance`.
struct RolloutAdvance: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "advance", abstract: "Starts the next step without proof.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.advance) }
}

/// `edgectl rollout promote`.
struct RolloutPromote: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Gives the version to every device without proof.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.promote) }
}

/// `edgectl rollout halt`.
struct RolloutHalt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "halt", abstract: "Stops granting; exposed devices keep the version.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.halt) }
}

/// `edgectl rollout resume`.
struct RolloutResume: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Goes on after a halt.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.resume) }
}

/// `edgectl rollout rollback`.
struct RolloutRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Takes the version back from every exposed device.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.rollback) }
}

/// `edgectl rollout retry`.
struct RolloutRetry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Rolls a rolled-back version out again, as a new rollout.")
    @OptionGroup var order: RolloutOrder
    func run() throws { try order.give(.retry) }
}

extension RolloutState {
    /// The state in its colour.
    var styled: StyledText {
        switch self {
        case .pending, .progressing: StyledText(rawValue)
        case .holding, .halted: StyledText(rawValue, .notice)
        case .rollingBack, .rolledBack: StyledText(rawValue, .bad)
        case .watching, .completed: StyledText(rawValue, .good)
        case .superseded: StyledText(rawValue, .faint)
        }
    }
}
