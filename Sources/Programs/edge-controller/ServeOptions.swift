import ArgumentParser

/// What holds where neither a flag nor a variable says otherwise.
enum ControllerDefaults {
    static let dataDirectory = "edge-controller-data"
    static let listen = "127.0.0.1:8080"
    /// The life of a device's certificate; the agent renews it at two thirds.
    static let deviceCertificateDays = 60
}

/// The flags of `serve`; each may come from the environment as `EDGE_CONTROLLER_<NAME>` instead.
struct ServeOptions: ParsableArguments {
    @Option(help: "Where the controller keeps its data (default: \(ControllerDefaults.dataDirectory)).")
    var data: String?

    @Option(help: "Address and port of the API (default: \(ControllerDefaults.listen)).")
    var listen: String?

    @Option(help: "Address and port for devices alone; --listen is then for operators.")
    var deviceListen: String?

    @Option(help: "Address and port of /metrics alone; without it /metrics is served with the API.")
    var metricsListen: String?

    @Option(help: "The server's certificate chain (PEM): the API is served by HTTPS; read again when it changes.")
    var tlsCert: String?

    @Option(help: "The private key of that certificate (PEM).")
    var tlsKey: String?

    @Flag(help: "Serve --metrics-listen by HTTPS too.")
    var metricsTls = false

    @Option(help: "File (JSON) that names an OpenID issuer of operators' tokens and the roles their claims give.")
    var oidc: String?

    @Flag(help: "Answer /metrics to operator keys that may scrape only.")
    var protectMetrics = false

    @Option(help: "sqlite, or a PostgreSQL address: postgresql://… (default: sqlite in the data directory).")
    var database: String?

    @Option(help: "Where artifacts are; this version knows a directory only (default: in the data directory).")
    var artifacts: String?

    @Option(help: "How long evidence is kept after a rollout's end: forever, or e.g. 365d, 36h (default: 365d).")
    var keepEvidence: String?

    @Option(help: "How long rows of the audit log are kept (default: forever).")
    var keepAudit: String?

    @Option(help: "How long artifacts are kept after the last use of their version (default: forever).")
    var keepArtifacts: String?

    @Option(help: "The most connections at once, 16 to 1000000 (default: 10000).")
    var maxConnections: String?

    @Option(
        help: "How often each operator's credential may call, per second; 0 for as often as it likes (default: 500).")
    var operatorCallsPerSecond: String?

    @Option(help: "What is logged: debug, info, warning or error (default: info).")
    var logLevel: String?

    @Option(help: "How it is logged: text or json (default: text).")
    var logFormat: String?
}

/// An address to listen on.
struct ListenAddress: Equatable {
    let host: String
    let port: Int

    /// Reads `host:port`, `[v6]:port` or `:port`; nil for anything else.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = port
    }
}
