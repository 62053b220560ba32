import ArgumentParser
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

    @Option(help: "Directory for everything the agent keeps.") var state: String?
    @Option(help: "The controller's address, e.g. https://controller:8443; by default the enrolment token's.")
    var controller: String?
    @Option(help: "Enrolment token; needed once. Better in a file or in EDGE_AGENT_TOKEN.") var token: String?
    @Option(help: "File that holds the enrolment token.") var tokenFile: String?
    @Option(help: "File with the certificate authorities that the controller's certificate must lead to.")
    var caFile: String?
    @Flag(help: "Join with a bearer token instead of a client certificate, where a proxy ends TLS.")
    var bearerToken = false
    @Option(help: "Who this device is.") var device: String?
    @Option(name: [.customLong("label"), .customShort("l")], help: "A label, key=value; may be given several times.")
    var labels: [String] = []
    @Option(help: "The model to serve.") var model: String?
    @Option(help: "How the runtime is started; {model_dir} and {port} are filled in.") var runtimeCommand: String?
    @Option(help: "The runtime's port on the loopback address.") var runtimePort: Int?
    @Option(help: "Answers 2xx when the runtime can serve. (default: /healthz)") var healthPath: String?
    @Option(help: "A POST here loads the current version; without it the runtime is restarted.") var reloadPath: String?
    @Option(help: "The runtime's Prometheus endpoint. (default: /metrics)") var metricsPath: String?
    @Option(help: "How its metrics are read: examples, triton, kserve or torchserve. (default: examples)")
    var mapping: String?
    @Option(help: "How long a new version is on probation, seconds. (default: 30)") var probationSeconds: UInt32?
    @Option(help: "How long a start of the runtime may take, seconds. (default: 30)") var startSeconds: Double?
    @Option(help: "What must stay free on the disk, MiB. (default: 64)") var reserveMib: UInt64?
    @Option(help: "Tries per fetched file that bring nothing. (default: 8)") var fetchTries: Int?
    @Option(help: "A YAML file with these options.") var config: String?

    func run() throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let configuration: AgentConfiguration
        do {
            configuration = try AgentConfiguration(flags: self)
        } catch let faults as ConfigurationFaults {
            StandardError.say("edge-agent: the configuration cannot be used:\n\(faults)")
            throw ExitCode(2)
        }
        do {
            try AgentProcess(configuration).run()
        } catch {
            StandardError.say("edge-agent: \(error)")
            throw ExitCode(1)
        }
    }
}
