import FoundationEssentials
import PrometheusExposition
import YAMLText

/// The YAML file of `--config`.
struct AgentFile: Decodable {
    /// The runtime's part.
    struct Runtime: Decodable {
        var command: Command?
        var port: Int?
        var healthPath: String?
        var reloadPath: String?
        var reload: String?
        var versionPath: String?
        var metricsPath: String?
        var mapping: Mapping?
        var startSeconds: Double?

        static let keys = [
            "command", "port", "healthPath", "reloadPath", "reload", "versionPath", "metricsPath", "mapping",
            "startSeconds",
        ]
    }

    /// A command, as one text or as a list of arguments.
    struct Command: Decodable {
        var words: [String]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            words = try (try? value.decode([String].self)) ?? CommandWords.split(value.decode(String.self))
        }
    }

    /// A mapping, by its name or spelled out.
    enum Mapping: Decodable {
        case named(String)
        case custom(ScrapeMapping)

        var name: String? {
            switch self {
            case .named(let name): name
            case .custom: nil
            }
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let name = try? value.decode(String.self) {
                self = .named(name)
            } else {
                self = .custom(try value.decode(ScrapeMapping.self))
            }
        }
    }

    var state: String?
    var controller: String?
    var tokenFile: String?
    var caFile: String?
    var bearerToken: Bool?
    var device: String?
    var labels: [String: String]?
    var model: String?
    var runtime: Runtime?
    var probationSeconds: UInt32?
    var reserveMib: UInt64?
    var fetchTries: Int?
    var downloadKibPerSecond: Int?
    var downloadWindow: String?

    private static let keys = [
        "state", "controller", "tokenFile", "caFile", "bearerToken", "device", "labels", "model", "runtime",
        "probationSeconds",
        "reserveMib", "fetchTries", "downloadKibPerSecond", "downloadWindow",
    ]

    init() {}

    /// Reads a file; unknown keys are faults, because a misspelt key would otherwise be a silent default.
    static func read(_ path: String) throws -> AgentFile {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationFaults(faults: ["--config \(path) is not there, or may not be read"])
        }
        do {
            guard let root = try YAMLReader.read(String(decoding: bytes, as: UTF8.self)) else { return AgentFile() }
            let unknown = Self.unknownKeys(root)
            guard unknown.isEmpty else {
                throw ConfigurationFaults(faults: unknown.map { "--config \(path) holds the unknown key \($0)" })
            }
            return try root.decoded()
        } catch let fault as YAMLFault {
            throw ConfigurationFaults(faults: ["--config \(path), \(fault)"])
        }
    }

    private static func unknownKeys(_ root: YAMLNode) -> [String] {
        root.keys.filter { !keys.contains($0) }
            + (root["runtime"]?.keys ?? []).filter { !Runtime.keys.contains($0) }.map { "runtime.\($0)" }
    }
}

/// A command line as words: split at spaces, with single or double quotes around words that hold some.
enum CommandWords {
    static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\n" || character == "\t" {
                if let ended = word { words.append(ended) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let ended = word { words.append(ended) }
        return words
    }
}
