import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// `edgectl apikey`.
struct APIKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apikey", abstract: "Makes and revokes operators' API keys (for admins).",
        subcommands: [APIKeyCreate.self, APIKeyList.self, APIKeyRemove.self])
}

/// `edgectl apikey create`.
struct APIKeyCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a key and prints it once; the controller keeps its hash only.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The person or machine it is for.") var name: String
    @Option(help: "viewer, operator or admin.", transform: Self.role) var role = OperatorRole.viewer

    private static func role(_ text: String) throws -> OperatorRole {
        guard let role = OperatorRole(rawValue: text) else {
            throw ValidationError("\(text) is not a role; use viewer, operator or admin")
        }
        return role
    }

    func run() throws {
        let made = try server.connect().createAPIKey(APIKeyRequest(name: name, role: role))
        try output.print(made) {
            Console.note("key \(made.id) for \(made.name) (\(made.role.rawValue)); it is not shown again")
            return [StyledText(made.secret ?? "")]
        }
    }
}

/// `edgectl apikey list`.
struct APIKeyList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the keys.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try server.connect().apiKeys()
        let now = Console.now
        var table = Table("ID", "NAME", "ROLE", "AGE")
        for key in keys {
            table.add([
                StyledText(key.id), StyledText(key.name), StyledText(key.role.rawValue),
                Rendering.time(key.createdAt, wide: output.isWide, now: now),
            ])
        }
        try output.printTable(keys, table, ifEmpty: "no keys")
    }
}

/// `edgectl apikey remove`.
struct APIKeyRemove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Revokes a key at once.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The key's id, as `apikey list` shows it.") var id: String

    func run() throws {
        try server.connect().removeAPIKey(id: id)
        Console.output.print("key \(id) is revoked")
    }
}
