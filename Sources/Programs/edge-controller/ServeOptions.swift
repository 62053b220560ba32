import ArgumentParser
import Foundation

/// What holds where neither a flag nor a variable says otherwise.
enum ControllerDefaults {
    static let dataDirectory = "edge-controller-data"
    static let listen = "127.0.0.1:8080"
}

/// The flags of `serve`; each may come from the environment as `EDGE_CONTROLLER_<NAME>` instead.
struct ServeOptions: ParsableArguments {
    @Option(help: "Where the controller keeps its data (default: \(ControllerDefaults.dataDirectory)).")
    var data: String?

    @Option(help: "Address and port of the API (default: \(ControllerDefaults.listen)).")
    var listen: String?

    @Option(help: "Address and port of /metrics alone; without it /metrics is served with the API.")
    var metricsListen: String?

    @Option(help: "Where the database is; this version knows sqlite only (default: sqlite in the data directory).")
    var database: String?

    @Option(help: "Where artifacts are; this version knows a directory only (default: in the data directory).")
    var artifacts: String?

    @Option(help: "The most connections at once, 16 to 1000000 (default: 10000).")
    var maxConnections: String?

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

/// The configuration of `serve`, read once and validated whole.
struct ServeConfiguration: Equatable {
    /// What is logged, least first.
    enum Level: String, CaseIterable, Comparable {
        case debug, info, warning, error

        static func < (left: Level, right: Level) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    let dataDirectory: String
    let listen: ListenAddress
    let metricsListen: ListenAddress?
    let connectionLimit: Int
    let logLevel: Level
    let logsJSON: Bool

    /// Every fault of a configuration, each with its remedy.
    struct Faults: Error, CustomStringConvertible {
        let lines: [String]

        var description: String {
            (["the configuration has \(lines.count) fault\(lines.count == 1 ? "" : "s"):"] + lines.map { "  " + $0 })
                .joined(separator: "\n")
        }
    }

    /// Reads flags and, where they are absent, the environment.
    ///
    /// - Throws: ``Faults`` with all faults at once.
    init(_ options: ServeOptions, environment: [String: String]) throws {
        var faults: [String] = []
        func value(_ flag: String?, _ name: String, _ fallback: String) -> String {
            flag ?? environment["EDGE_CONTROLLER_" + name] ?? fallback
        }
        func address(_ text: String, _ name: String) -> ListenAddress? {
            let address = ListenAddress(text)
            if address == nil {
                faults.append("--\(name) \(text): use an address and a port, e.g. 127.0.0.1:8080 or [::1]:8080")
            }
            return address
        }
        dataDirectory = value(options.data, "DATA", ControllerDefaults.dataDirectory)
        if dataDirectory.isEmpty { faults.append("--data: name a directory") }
        let listen = address(value(options.listen, "LISTEN", ControllerDefaults.listen), "listen")
        let metricsText = options.metricsListen ?? environment["EDGE_CONTROLLER_METRICS_LISTEN"]
        metricsListen = metricsText.flatMap { address($0, "metrics-listen") }
        let database = value(options.database, "DATABASE", "sqlite")
        if database != "sqlite" {
            faults.append(
                "--database \(Self.withoutSecrets(database)): this version keeps its state in SQLite only; use sqlite")
        }
        let artifacts = value(options.artifacts, "ARTIFACTS", "directory")
        if artifacts != "directory" {
            faults.append(
                "--artifacts \(Self.withoutSecrets(artifacts)): this version keeps artifacts in the data directory "
                    + "only; use directory")
        }
        let connections = value(options.maxConnections, "MAX_CONNECTIONS", "10000")
        connectionLimit = Int(connections) ?? 0
        if !(16...1_000_000).contains(connectionLimit) {
            faults.append("--max-connections \(connections): use 16 to 1000000")
        }
        let level = value(options.logLevel, "LOG_LEVEL", "info")
        logLevel = Level(rawValue: level) ?? .info
        if Level(rawValue: level) == nil {
            faults.append("--log-level \(level): use debug, info, warning or error")
        }
        let format = value(options.logFormat, "LOG_FORMAT", "text")
        logsJSON = format == "json"
        if !["text", "json"].contains(format) { faults.append("--log-format \(format): use text or json") }
        guard faults.isEmpty, let listen else { throw Faults(lines: faults) }
        self.listen = listen
    }

    /// A URL without the user and password it may carry.
    private static func withoutSecrets(_ text: String) -> String {
        guard let scheme = text.range(of: "://"), let at = text.lastIndex(of: "@"), at > scheme.upperBound else {
            return text
        }
        return text[..<scheme.upperBound] + "…" + text[at...]
    }
}
