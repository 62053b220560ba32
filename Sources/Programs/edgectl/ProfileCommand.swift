import ArgumentParser
import EdgeOrchestrator
import Terminal

/// `edgectl profile`.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Keeps the addresses and keys of controllers; keys are never printed.",
        subcommands: [ProfileSet.self, ProfileUse.self, ProfileList.self, ProfileRemove.self])
}

/// `edgectl profile set`.
struct ProfileSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Makes or changes a profile; the first one becomes the current one.")

    @Argument(help: "The profile's name.") var name: String
    @Option(help: "The controller's address.") var server: String?
    @Option(help: "An operator's API key; better by --api-key-file, where other users do not see it.")
    var apiKey: String?
    @Option(help: "A file with the API key; - reads it from the input.") var apiKeyFile: String?
    @Option(help: "PEM file of the certificate authority that signed the controller's certificate.")
    var caFile: String?
    @Option(help: "PEM file of the controller's assignment key, which signs its audit log.")
    var assignmentKeyFile: String?

    func run() throws {
        let file = ProfileFile.located(Console.environment)
        var profiles = try file.load()
        let before = profiles.profiles[name]
        guard let address = server ?? before?.server else {
            throw CommandFailure.invalid("profile \(name) is new: give its --server URL")
        }
        _ = try Orchestrator(server: address, key: nil)
        profiles.profiles[name] = Profile(
            server: address, key: try givenKey() ?? before?.key, caFile: caFile ?? before?.caFile,
            assignmentKeyFile: assignmentKeyFile ?? before?.assignmentKeyFile)
        if profiles.current == nil { profiles.current = name }
        try file.save(profiles)
        Console.output.print("profile \(name) saved in \(file.path)")
    }

    private func givenKey() throws -> String? {
        if let apiKey { return apiKey }
        guard let apiKeyFile else { return nil }
        let text = apiKeyFile == "-" ? (readLine() ?? "") : try LocalFile.text(apiKeyFile, limitBytes: 4096)
        let key = text.split(whereSeparator: \.isWhitespace).joined()
        guard !key.isEmpty else { throw CommandFailure.invalid("\(apiKeyFile) holds no key") }
        return key
    }
}

/// `edgectl profile use`.
struct ProfileUse: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "use", abstract: "Makes a profile the current one.")

    @Argument(help: "The profile's name.") var name: String

    func run() throws {
        let file = ProfileFile.located(Console.environment)
        var profiles = try file.load()
        let profile = try profiles.named(name)
        profiles.current = name
        try file.save(profiles)
        Console.output.print("using \(name) (\(profile.server))")
    }
}

/// `edgectl profile list`.
struct ProfileList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the profiles without keys.")

    func run() throws {
        let profiles = try ProfileFile.located(Console.environment).load()
        var table = Table("CURRENT", "NAME", "SERVER", "KEY")
        for (name, profile) in profiles.profiles.sorted(by: { $0.key < $1.key }) {
            table.add([
                StyledText(name == profiles.current ? "*" : ""), StyledText(name), StyledText(profile.server),
                StyledText(profile.key == nil ? "none" : "kept"),
            ])
        }
        for line in table.lines() { Console.output.print(line) }
    }
}

/// `edgectl profile remove`.
struct ProfileRemove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Forgets a profile and its key.")

    @Argument(help: "The profile's name.") var name: String

    func run() throws {
        let file = ProfileFile.located(Console.environment)
        var profiles = try file.load()
        _ = try profiles.named(name)
        profiles.profiles[name] = nil
        if profiles.current == name { profiles.current = nil }
        try file.save(profiles)
        Console.output.print("profile \(name) removed")
    }
}
