import ArgumentParser
import Glibc
import Terminal

/// The operator's command line: publishes versions, declares what runs where, and watches rollouts.
@main
struct Edgectl: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "edgectl",
        abstract: "Publishes model versions, declares what runs where, and watches and commands rollouts.",
        discussion: """
            The controller is named by --server and --api-key, by EDGECTL_SERVER and EDGECTL_KEY, or by a profile.
            Exit codes: 0 done, 1 error, 2 invalid input; `rollout status --wait` and `diff` have their own, see their
            help.
            """,
        version: version,
        subcommands: [
            KeyCommand.self, APIKeyCommand.self, TokenCommand.self, ModelCommand.self, ApplyCommand.self,
            DiffCommand.self, DeployCommand.self, GetCommand.self, DeleteCommand.self, DeviceCommand.self,
            RolloutCommands.self, DecisionCommand.self, JudgeCommand.self, AuditCommand.self, RetentionCommand.self,
            ProfileCommand.self, CompletionCommand.self, VersionCommand.self,
        ])

    /// Runs the command line and ends the process with its exit code.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Glibc.exit(ExitReport(error).tell())
        }
    }
}

/// `edgectl version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

    func run() { Console.output.print("edgectl \(Edgectl.version)") }
}

/// `edgectl completion`.
struct CompletionCommand: ParsableCommand {
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        var shell: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Prints a completion script for a shell.",
        discussion: "bash: edgectl completion bash > ~/.local/share/bash-completion/completions/edgectl")

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() { Console.output.print(Edgectl.completionScript(for: shell.shell)) }
}
