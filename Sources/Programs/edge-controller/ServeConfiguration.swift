import Foundation
import OrchestratorAPI
import Rollouts

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
    let database: DatabasePlace
    let listen: ListenAddress
    let deviceListen: ListenAddress?
    let metricsListen: ListenAddress?
    /// The certificate and key of HTTPS; nil for plain HTTP.
    let tls: ServedCertificate.Files?
    let metricsTLS: Bool
    /// The file that names the issuer of operators' tokens; nil for none.
    let issuerFile: String?
    /// Whether the metrics are for keys that may scrape only.
    let metricsNeedKey: Bool
    /// How long what is collected is kept.
    let retention: Retention
    let connectionLimit: Int
    /// How often each operator's credential may call; 0 for as often as it likes.
    let operatorCallsPerSecond: Int
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

    /// What bounds operators' calls; nil for nothing.
    var limiter: CallLimiter? {
        operatorCallsPerSecond == 0 ? nil : CallLimiter(.init(perSecond: operatorCallsPerSecond))
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
        let deviceText = options.deviceListen ?? environment["EDGE_CONTROLLER_DEVICE_LISTEN"]
        deviceListen = deviceText.flatMap { address($0, "device-listen") }
        tls = Self.tlsFiles(
            options.tlsCert ?? environment["EDGE_CONTROLLER_TLS_CERT"],
            options.tlsKey ?? environment["EDGE_CONTROLLER_TLS_KEY"], &faults)
        metricsTLS = options.metricsTls || environment["EDGE_CONTROLLER_METRICS_TLS"] == "true"
        issuerFile = options.oidc ?? environment["EDGE_CONTROLLER_OIDC"]
        metricsNeedKey = options.protectMetrics || environment["EDGE_CONTROLLER_PROTECT_METRICS"] == "true"
        if metricsTLS, tls == nil || metricsText == nil {
            faults.append("--metrics-tls: it needs --metrics-listen, --tls-cert and --tls-key")
        }
        do {
            database = try DatabasePlace(options.database, environment: environment)
        } catch {
            database = .sqlite
            faults.append("\(error)")
        }
        retention = Self.retention(options, environment, &faults)
        faults += Self.artifactFaults(value(options.artifacts, "ARTIFACTS", "directory"))
        func number(_ text: String, _ flag: String, _ range: ClosedRange<Int>) -> Int {
            if let number = Int(text), range.contains(number) { return number }
            faults.append("--\(flag) \(text): use \(range.lowerBound) to \(range.upperBound)")
            return range.lowerBound
        }
        connectionLimit = number(
            value(options.maxConnections, "MAX_CONNECTIONS", "10000"), "max-connections", 16...1_000_000)
        operatorCallsPerSecond = number(
            value(options.operatorCallsPerSecond, "OPERATOR_CALLS_PER_SECOND", "500"), "operator-calls-per-second",
            0...100_000)
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

    private static func retention(
        _ options: ServeOptions, _ environment: [String: String], _ faults: inout [String]
    ) -> Retention {
        func time(_ flag: String?, _ name: String, _ fallback: KeptTime) -> KeptTime {
            guard let text = flag ?? environment["EDGE_CONTROLLER_KEEP_" + name.uppercased()] else { return fallback }
            if let time = KeptTime(text) { return time }
            faults.append("--keep-\(name) \(text): use forever, or a number and d, h, m or s, such as 365d")
            return .forever
        }
        let standard = Retention()
        return Retention(
            evidence: time(options.keepEvidence, "evidence", standard.evidence),
            audit: time(options.keepAudit, "audit", standard.audit),
            artifacts: time(options.keepArtifacts, "artifacts", standard.artifacts))
    }

    private static func artifactFaults(_ place: String) -> [String] {
        guard place != "directory" else { return [] }
        return [
            "--artifacts \(withoutSecrets(place)): this version knows the data directory only; use directory"
        ]
    }

    /// Both files or none.
    private static func tlsFiles(
        _ certificate: String?, _ key: String?, _ faults: inout [String]
    ) -> ServedCertificate.Files? {
        if let certificate, let key { return ServedCertificate.Files(certificate: certificate, key: key) }
        if certificate != nil { faults.append("--tls-key is missing: --tls-cert needs its private key") }
        if key != nil { faults.append("--tls-cert is missing: --tls-key needs its certificate") }
        return nil
    }

    /// A URL without the user and password it may carry.
    private static func withoutSecrets(_ text: String) -> String {
        guard let scheme = text.range(of: "://"), let at = text.lastIndex(of: "@"), at > scheme.upperBound else {
            return text
        }
        return text[..<scheme.upperBound] + "…" + text[at...]
    }
}

extension ServeConfiguration {
    /// The listeners that show a certificate, as the metrics call them.
    var tlsListeners: [String] {
        guard tls != nil else { return [] }
        return ["api"] + (deviceListen == nil ? [] : ["devices"]) + (metricsTLS ? ["metrics"] : [])
    }

    /// API listeners that credentials would reach over a network in the clear.
    var exposedWithoutTLS: [String] {
        guard tls == nil else { return [] }
        return [listen, deviceListen].compactMap { $0 }.filter { !$0.isLoopback }.map { "\($0.host):\($0.port)" }
    }
}

extension ListenAddress {
    /// Whether only this machine reaches it.
    fileprivate var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
