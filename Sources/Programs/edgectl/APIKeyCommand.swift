import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// `edgectl apikey`.
struct APIKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apikey", abstract: "Makes, rotates and revokes operators' API keys (for admins).",
        subcommands: [APIKeyCreate.self, APIKeyList.self, APIKeyRotate.self, APIKeyRemove.self])
}

/// `edgectl apikey create`.
struct APIKeyCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a key and prints it once; the controller keeps its hash only.",
        discussion: """
            Roles: viewer reads; publisher also publishes versions (for CI); release_manager also deploys, commands and
            approves rollouts; operator does all of it and enrols, labels and retires devices; admin also makes keys;
            scraper reads the metrics only. --model and --selector bound a role to some models and devices.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The person or machine it is for.") var name: String
    @Option(
        help: "viewer, publisher, release_manager, operator, admin or scraper.", transform: Self.role)
    var role = OperatorRole.viewer
    @Option(
        name: .customLong("model"), help: "Only for models with such names, such as 'detector*'; may be repeated.",
        transform: Self.pattern)
    var models: [ModelPattern] = []
    @Option(name: .shortAndLong, help: "Only for devices with such labels.", transform: { try Selector($0) })
    var selector = Selector.everything
    @Flag(help: "It is for a machine, which approves nothing.") var machine = false
    @Option(name: .customLong("expires-in"), help: "How long it works, such as 90d or 12h.", transform: Self.seconds)
    var lifetimeSeconds: Double?

    private static func role(_ text: String) throws -> OperatorRole {
        guard let role = OperatorRole(rawValue: text) else {
            throw ValidationError(
                "\(text) is not a role; use " + OperatorRole.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return role
    }

    private static func pattern(_ text: String) throws -> ModelPattern {
        guard let pattern = ModelPattern(text) else {
            throw ValidationError("\(text) is no pattern of model names; write such as 'detector*'")
        }
        return pattern
    }

    /// Seconds of `90d`, `12h`, `30m` or `45s`.
    static func seconds(_ text: String) throws -> Double {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let number = Double(text.dropLast()), number >= 0 else {
            throw ValidationError("\(text) is no duration; write such as 90d, 12h, 30m or 45s")
        }
        return number * unit
    }

    func run() throws {
        let scope = OperatorScope(models: models, selector: selector)
        let made = try server.connect().createAPIKey(
            APIKeyRequest(
                name: name, role: role, scope: scope.isEverything ? nil : scope, holder: machine ? .machine : .person,
                lifetimeSeconds: lifetimeSeconds))
        try output.print(made) { made.told() }
    }
}

extension APIKeyResource {
    /// The secret as the result, and what else there is to say beside it.
    fileprivate func told() -> [StyledText] {
        let ends = expiresAt.map { ", until \($0)" } ?? ""
        let scope = scope.map { ", for \($0)" } ?? ""
        Console.note("key \(id) for \(name) (\(role.rawValue)\(scope)\(ends)); it is not shown again")
        return [StyledText(secret ?? "")]
    }
}

/// `edgectl apikey list`.
struct APIKeyList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the keys.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try server.connect().apiKeys()
        try output.printTable(
            keys, Self.table(keys, wide: output.isWide, now: Console.now), ifEmpty: "no keys")
    }

    static func table(_ keys: [APIKeyResource], wide: Bool, now: Timestamp) -> Table {
        var table = Table("ID", "NAME", "ROLE", "SCOPE", "LAST USED", "ENDS", "AGE")
        for key in keys {
            let name = key.holder == .machine ? key.name + " (machine)" : key.name
            let hasEnded = key.expiresAt.map { $0 <= now } ?? false
            table.add([
                StyledText(key.id), StyledText(name), StyledText(key.role.rawValue),
                StyledText(key.scope?.description ?? "everything"),
                key.lastUsedAt.map { Rendering.time($0, wide: wide, now: now) } ?? "never",
                hasEnded ? StyledText("ended", .bad) : Rendering.time(key.expiresAt, wide: wide, now: now),
                Rendering.time(key.createdAt, wide: wide, now: now),
            ])
        }
        return table
    }
}

/// `edgectl apikey rotate`.
struct APIKeyRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Gives a key a new secret and prints it once; the old one works for a while.",
        discussion: "A key that ends gets as long a life as it had, from now on.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The key's id, as `apikey list` shows it.") var id: String
    @Option(help: "How long the old secret still works, such as 0s or 7d.", transform: APIKeyCreate.seconds)
    var overlap: Double = 86_400

    func run() throws {
        let made = try server.connect().rotateAPIKey(id: id, APIKeyRotation(overlapSeconds: overlap))
        try output.print(made) {
            if let until = made.previousUntil { Console.note("the secret before works until \(until)") }
            return made.told()
        }
    }
}

/// `edgectl apikey remove`.
struct APIKeyRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Revokes a key at once.", aliases: ["revoke"])

    @OptionGroup var server: ServerOptions
    @Argument(help: "The key's id, as `apikey list` shows it.") var id: String

    func run() throws {
        try server.connect().removeAPIKey(id: id)
        Console.output.print("key \(id) is revoked")
    }
}
