import ArgumentParser

/// What `edge-agent run` can be told, and `edge-agent doctor` looks at.
struct AgentOptions: ParsableArguments {
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
    @Option(help: "Answers 2xx when the runtime can serve. (default: /healthz; with repository:NAME its readiness)")
    var healthPath: String?
    @Option(help: "A POST here loads the current version: short for --reload post:PATH.") var reloadPath: String?
    @Option(
        help: """
            How another version is loaded: restart, post:PATH, repository:NAME (Triton's load and unload API), \
            signal:HUP or command:PROGRAM. (default: restart)
            """)
    var reload: String?
    @Option(help: "Answers with the digest of the version in service; without it a health check has to do.")
    var versionPath: String?
    @Option(help: "The runtime's Prometheus endpoint. (default: /metrics)") var metricsPath: String?
    @Option(help: "How its metrics are read: examples, triton, kserve or torchserve. (default: examples)")
    var mapping: String?
    @Option(help: "How long a new version is on probation, seconds. (default: 30)") var probationSeconds: UInt32?
    @Option(help: "How long a start of the runtime may take, seconds. (default: 30)") var startSeconds: Double?
    @Option(help: "What must stay free on the disk, MiB. (default: 64)") var reserveMib: UInt64?
    @Option(help: "Tries per fetched file that bring nothing. (default: 8)") var fetchTries: Int?
    @Option(help: "Files are fetched no faster than this, KiB per second. (default: no limit)")
    var downloadKibPerSecond: Int?
    @Option(help: "When files may be fetched, in the device's local time, e.g. 22:00-06:00. (default: always)")
    var downloadWindow: String?
    @Option(help: "A YAML file with these options.") var config: String?
}
