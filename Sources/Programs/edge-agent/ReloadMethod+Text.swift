import DeviceAgent
import Glibc

extension ReloadMethod {
    private static let signals = ["HUP": SIGHUP, "INT": SIGINT, "USR1": SIGUSR1, "USR2": SIGUSR2]

    /// Reads `restart`, `post:/path`, `repository:NAME`, `signal:HUP` or `command:PROGRAM ARGUMENT`; nil for anything
    /// else.
    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch parts.first {
        case "restart" where parts.count == 1:
            self = .restart
        case "post" where rest.hasPrefix("/") && !rest.contains(" "):
            self = .post(rest)
        case "repository" where !rest.isEmpty && rest.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }):
            self = .repository(rest)
        case "signal":
            let name = rest.hasPrefix("SIG") ? String(rest.dropFirst(3)) : rest
            guard let number = Self.signals[name] ?? Int32(name), (1...64).contains(number) else { return nil }
            self = .signal(number)
        case "command":
            let words = CommandWords.split(rest)
            guard !words.isEmpty else { return nil }
            self = .command(words)
        default:
            return nil
        }
    }

    /// What the options say together.
    ///
    /// - Throws: ``ConfigurationFaults``.
    init(option text: String?, path: String?) throws {
        guard text == nil || path == nil else {
            throw ConfigurationFaults(faults: ["--reload-path and --reload say two things; give one of them"])
        }
        guard let text = text ?? path.map({ "post:\($0)" }) else {
            self = .restart
            return
        }
        guard let method = Self(text) else {
            throw ConfigurationFaults(faults: [
                "--reload \(text) must be restart, post:/path, repository:NAME, signal:HUP (or INT, USR1, USR2, "
                    + "a number) or command:PROGRAM"
            ])
        }
        self = method
    }

    /// Where a runtime of the kind says whether it can serve.
    var healthPath: String {
        if case .repository(let name) = self { Self.readyPath(name) } else { "/healthz" }
    }
}
