public import PrometheusExposition

/// How the model runtime is started and talked to.
public struct RuntimeSettings: Hashable, Sendable {
    /// The program and its arguments; `{model_dir}` and `{port}` are filled in.
    public var command: [String]
    /// The port on the loopback address it listens on.
    public var port: Int
    /// Answers 2xx when the runtime can serve.
    public var healthPath: String
    /// How another version is loaded.
    public var reload: ReloadMethod
    /// Answers with a text that holds the digest of the version in service; nil where nothing does.
    public var versionPath: String?
    /// The runtime's Prometheus endpoint.
    public var metricsPath: String
    /// How its samples become counts.
    public var mapping: ScrapeMapping
    /// How long a start or a reload may take, seconds.
    public var startSeconds: Double
    /// How long the runtime gets to end by itself, seconds.
    public var stopSeconds: Double

    /// Makes settings.
    public init(
        command: [String], port: Int, healthPath: String = "/healthz", reload: ReloadMethod = .restart,
        metricsPath: String = "/metrics", mapping: ScrapeMapping = .examples, startSeconds: Double = 30,
        stopSeconds: Double = 3, versionPath: String? = nil
    ) {
        self.command = command
        self.port = port
        self.healthPath = healthPath
        self.reload = reload
        self.versionPath = versionPath
        self.metricsPath = metricsPath
        self.mapping = mapping
        self.startSeconds = startSeconds
        self.stopSeconds = stopSeconds
    }

    func filled(modelDirectory: String) -> [String] { filled(command, modelDirectory: modelDirectory) }

    func filled(_ words: [String], modelDirectory: String) -> [String] {
        words.map { argument in
            argument.split(separator: "{model_dir}", omittingEmptySubsequences: false).joined(separator: modelDirectory)
                .split(separator: "{port}", omittingEmptySubsequences: false).joined(separator: String(port))
        }
    }
}
