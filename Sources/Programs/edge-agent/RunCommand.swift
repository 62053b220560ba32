import ArgumentParser
import ChildProcesses
import Logging

/// `edge-agent run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Joins the fleet if needed, then serves and updates the model until stopped.",
        discussion: """
            Every option can also stand in the file given by --config; an option given here wins. \
            EDGE_AGENT_TOKEN may hold the enrolment token. EDGE_AGENT_KILL_AT=<point>[:n] is for fault tests: the \
            agent ends itself at that point.
            """)

    @OptionGroup var options: AgentOptions

    func run() throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let configuration: AgentConfiguration
        do {
            configuration = try AgentConfiguration(flags: options)
        } catch let faults as ConfigurationFaults {
            OwnProcess.say("edge-agent: the configuration cannot be used:\n\(faults)")
            throw ExitCode(2)
        }
        do {
            try AgentProcess(configuration).run()
        } catch {
            OwnProcess.say("edge-agent: \(error)")
            throw ExitCode(1)
        }
    }
}
