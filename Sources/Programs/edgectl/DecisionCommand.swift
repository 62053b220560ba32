import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal

/// `edgectl decision`.
struct DecisionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "Says afterwards whether an alarm was right.",
        subcommands: [DecisionLabelCommand.self])
}

/// `edgectl decision label`.
struct DecisionLabelCommand: ParsableCommand {
    /// The words of the command line.
    enum Word: String, CaseIterable, ExpressibleByArgument {
        case falsePositive = "false-positive"
        case truePositive = "true-positive"

        var value: DecisionLabel.Value {
            switch self {
            case .falsePositive: .falsePositive
            case .truePositive: .truePositive
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Labels a hold, halt or rollback of the controller.",
        discussion: """
            The label changes nothing about the rollout. It is kept with the decision and in the audit log, shown by \
            `rollout show` and `rollout explain`, and counted in edgeorch_rollout_decisions_labelled.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The rollout.", transform: { try RolloutID($0) }) var rollout: RolloutID
    @Argument(help: "The decision's number.") var number: Int
    @Argument(help: "false-positive: the version was harmless; true-positive: it did harm.") var label: Word?
    @Flag(help: "Take the label back.") var clear = false

    func validate() throws {
        guard (label == nil) == clear else {
            throw ValidationError("Give false-positive or true-positive, or --clear to take a label back.")
        }
        guard number >= 1 else { throw ValidationError("Decisions are counted from 1.") }
    }

    func run() throws {
        let decision = try server.connect().label(label?.value, decision: number, of: rollout)
        try output.print(decision) {
            [StyledText("\(rollout): ") + StyledText(RolloutNarrator.decision(decision), decision.kind.style)]
        }
    }
}

extension DecisionLabel {
    /// The label in words.
    var said: String {
        switch value {
        case .falsePositive: "false positive, says \(by)"
        case .truePositive: "true positive, says \(by)"
        }
    }
}
