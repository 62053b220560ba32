import DeviceAgent
import DeviceUpdates
import Fleet
import FoundationEssentials
import PrometheusExposition

/// Everything that is wrong with a configuration, at once.
struct ConfigurationFaults: Error, CustomStringConvertible {
    var faults: [String]

    var description: String { faults.map { "  - \($0)" }.joined(separator: "\n") }
}

/// The agent's configuration: flags over file over environment, validated whole.
struct AgentConfiguration {
    var statePath: String
    var controllerURL: String?
    var token: String?
    var caFile: String?
    var usesBearerToken: Bool
    var labels: Labels
    var settings: AgentSettings
    /// Files are fetched no faster than this; nil for no limit.
    var downloadBytesPerSecond: Int?

    /// Reads and checks everything.
    ///
    /// - Throws: ``ConfigurationFaults`` with every fault.
    init(flags: AgentOptions, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        var check = Check()
        let file = check.attempt { try flags.config.map(AgentFile.read) ?? AgentFile() } ?? AgentFile()
        let device = check.name("--device", flags.device ?? file.device, DeviceSubject.self)
        let model = check.name("--model", flags.model ?? file.model, ModelSubject.self)
        let state = check.required("--state", flags.state ?? file.state)
        let command = check.command(flags.runtimeCommand, file.runtime?.command)
        let port = check.port(flags.runtimePort ?? file.runtime?.port)
        let labels = check.labels(flags.labels, file.labels ?? [:])
        let mapping = check.mapping(flags.mapping, file.runtime?.mapping)
        let runtime = file.runtime
        let reload =
            check.attempt { () throws -> ReloadMethod in
                try ReloadMethod(
                    option: flags.reload ?? runtime?.reload, path: flags.reloadPath ?? runtime?.reloadPath)
            } ?? .restart
        let versionPath = flags.versionPath ?? runtime?.versionPath
        if let versionPath { check.path("--version-path", versionPath) }
        let healthPath: String = reload.healthPath
        let paths: [(String, String)] = [
            ("--health-path", flags.healthPath ?? runtime?.healthPath ?? healthPath),
            ("--metrics-path", flags.metricsPath ?? runtime?.metricsPath ?? "/metrics"),
        ]
        for (flag, path) in paths { check.path(flag, path) }
        let startSeconds = flags.startSeconds ?? runtime?.startSeconds ?? 30
        check.require(startSeconds > 0 && startSeconds <= 3600, "--start-seconds must be more than 0, at most 3600")
        let fetchTries = flags.fetchTries ?? file.fetchTries ?? 8
        check.require((1...1000).contains(fetchTries), "--fetch-tries must be 1 to 1000")
        let window = check.window(flags.downloadWindow ?? file.downloadWindow)
        let limit = flags.downloadKibPerSecond ?? file.downloadKibPerSecond
        check.require((1...(1 << 30)).contains(limit ?? 1), "--download-kib-per-second must be 1 or more")
        let controller = flags.controller ?? file.controller
        if let controller { check.url("--controller", controller) }
        let token = check.token(flags, file, environment)
        guard let device, let model, let state, let command, let port, let labels, let mapping, check.faults.isEmpty
        else { throw ConfigurationFaults(faults: check.faults) }
        statePath = state
        controllerURL = controller
        self.token = token
        caFile = flags.caFile ?? file.caFile
        usesBearerToken = flags.bearerToken || file.bearerToken ?? false
        self.labels = labels
        settings = AgentSettings(
            device: device, model: model,
            runtime: RuntimeSettings(
                command: command, port: port, healthPath: paths[0].1, reload: reload,
                metricsPath: paths[1].1, mapping: mapping, startSeconds: startSeconds, versionPath: versionPath),
            agentVersion: EdgeAgent.version, reserveBytes: (flags.reserveMib ?? file.reserveMib ?? 64) << 20,
            probationSeconds: flags.probationSeconds ?? file.probationSeconds ?? 30, fetchTries: fetchTries,
            architecture: SystemFacts.architecture, downloadWindow: window)
        downloadBytesPerSecond = limit.map { $0 << 10 }
    }
}

/// Collects faults instead of stopping at the first.
private struct Check {
    var faults: [String] = []

    mutating func attempt<Value>(_ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            faults.append("\(error)")
            return nil
        }
    }

    mutating func require(_ isFine: Bool, _ fault: String) {
        if !isFine { faults.append(fault) }
    }

    mutating func required(_ flag: String, _ text: String?) -> String? {
        require(text?.isEmpty == false, "\(flag) is missing")
        return text
    }

    mutating func name<Subject: NameSubject>(_ flag: String, _ text: String?, _: Subject.Type) -> Name<Subject>? {
        guard let text = required(flag, text) else { return nil }
        return attempt { () throws -> Name<Subject> in try Name<Subject>(text) }
    }

    mutating func port(_ number: Int?) -> Int? {
        guard let number, (1...65_535).contains(number) else {
            faults.append("--runtime-port is missing or not 1 to 65535")
            return nil
        }
        return number
    }

    mutating func path(_ flag: String, _ path: String) {
        require(path.hasPrefix("/") && !path.contains(" "), "\(flag) must begin with / and hold no spaces")
    }

    mutating func url(_ flag: String, _ text: String) {
        let scheme = URL(string: text)?.scheme
        require(
            (scheme == "http" || scheme == "https") && URL(string: text)?.host?.isEmpty == false,
            "\(flag) must be an address like https://controller:8443")
    }

    mutating func window(_ text: String?) -> DailyWindow? {
        let window = text.flatMap { DailyWindow($0) }
        require(
            text == nil || window != nil,
            "--download-window \(text ?? "") must be a time of the day like 22:00-06:00, with two different ends")
        return window
    }

    mutating func command(_ flag: String?, _ listed: AgentFile.Command?) -> [String]? {
        let words = flag.map(CommandWords.split) ?? listed?.words ?? []
        require(!words.isEmpty, "--runtime-command is missing")
        require(
            words.isEmpty || words.contains { $0.contains("{model_dir}") },
            "--runtime-command must hold {model_dir}: the runtime has to know where the current version is")
        return words.isEmpty ? nil : words
    }

    mutating func labels(_ flags: [String], _ file: [String: String]) -> Labels? {
        var pairs = file
        for flag in flags {
            let parts = flag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            require(parts.count == 2, "--label \(flag) must be key=value")
            if parts.count == 2 { pairs[String(parts[0])] = String(parts[1]) }
        }
        return attempt { () throws -> Labels in try Labels(pairs) }
    }

    mutating func mapping(_ flag: String?, _ file: AgentFile.Mapping?) -> ScrapeMapping? {
        if flag == nil, case .custom(let mapping)? = file {
            faults += mapping.faults(isFree: MeasurementName.isFree)
            return mapping
        }
        let name = flag ?? file?.name ?? "examples"
        let known = ScrapeMapping.readyMade.keys.sorted().joined(separator: ", ")
        require(ScrapeMapping.readyMade[name] != nil, "--mapping \(name) is not one of \(known)")
        return ScrapeMapping.readyMade[name]
    }

    mutating func token(_ flags: AgentOptions, _ file: AgentFile, _ environment: [String: String]) -> String? {
        if let token = flags.token { return token }
        if let path = flags.tokenFile ?? file.tokenFile {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                faults.append("--token-file \(path) is not there, or may not be read")
                return nil
            }
            return Self.trimmed(String(decoding: bytes, as: UTF8.self))
        }
        return environment["EDGE_AGENT_TOKEN"]
    }

    /// Without white space at its ends.
    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        return start.lastIndex { !$0.isWhitespace }.map { String(start[...$0]) } ?? ""
    }
}
