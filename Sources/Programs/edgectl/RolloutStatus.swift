import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl rollout status`.
struct RolloutStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows how a rollout stands; with --wait until it is decided.",
        discussion: """
            Exit codes with --wait: 0 promoted, 1 error (also superseded), 2 invalid input, 3 rolled back, 4 a person \
            must decide, 5 the timeout passed. The controller may be away for up to a minute at a time.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Flag(help: "Wait until it is promoted, rolled back or needs a person.") var wait = false
    @Option(help: "How long to wait at most, e.g. 10m; without it there is no limit.") var timeout: Span?

    func run() throws {
        let controller = try server.connect()
        guard wait else {
            let found = try controller.rollout(rollout).rollout
            return try show(found)
        }
        var narrator = RolloutNarrator()
        var last: RolloutResource?
        let follower = RolloutFollower(
            controller: controller, rollout: rollout, deadline: timeout.map { Console.seconds + $0.seconds })
        let isDecided = try follower.follow { current in
            if output.isForPeople {
                for event in narrator.events(of: current, now: Console.now) { Console.output.print(event) }
            }
            last = current
            return RolloutOutcome(current.state) == nil
        }
        if let last, !output.isForPeople { try show(last) }
        guard isDecided, let outcome = last.flatMap({ RolloutOutcome($0.state) }) else {
            Console.error.print(
                "error: the timeout passed; the rollout goes on, `edgectl rollout watch \(rollout)` shows it")
            throw QuietExit(status: .timedOut)
        }
        if outcome.status != .success { throw QuietExit(status: outcome.status) }
    }

    private func show(_ rollout: RolloutResource) throws {
        try output.print(rollout) {
            RolloutView(rollout: rollout, now: Console.now, palette: Console.output.palette).lines
        }
    }
}

/// `edgectl rollout watch`.
struct RolloutWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "A live view of arms, evidence against its bounds, and decisions.",
        discussion: "Without a terminal, and with --events, one line per event. Ends when the rollout ends.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Flag(help: "One line per event, on a terminal too.") var events = false
    @Flag(help: "End at a promotion already, not after the watch that follows it.") var untilPromoted = false

    func run() throws {
        let follower = RolloutFollower(controller: try server.connect(), rollout: rollout)
        let terminal = Console.output
        var narrator = RolloutNarrator()
        var view = LiveView(on: terminal)
        let isLive = terminal.isInteractive && !events
        _ = try follower.follow { current in
            if isLive {
                view.show(RolloutView(rollout: current, now: Console.now, palette: terminal.palette).lines)
            } else {
                for event in narrator.events(of: current, now: Console.now) { terminal.print(event) }
            }
            return !(current.state.isFinal || (untilPromoted && current.state == .watching))
        }
    }
}

/// `edgectl rollout show`.
struct RolloutShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a rollout whole; --effective shows every setting that applies to it.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Flag(help: "The policy as it was frozen when the rollout started, defaults included.") var effective = false

    func run() throws {
        let found = try server.connect().rollout(rollout).rollout
        if effective {
            return try output.print(found.policy) {
                try Rendering.yaml(Manifest.policy(found.policy)).split(separator: "\n").map { StyledText(String($0)) }
            }
        }
        try output.print(found) {
            RolloutView(rollout: found, now: Console.now, palette: Console.output.palette).lines
        }
    }
}
