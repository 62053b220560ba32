import ArgumentParser
import EdgeOrchestrator
import Fleet

/// `edgectl device rollback`.
struct DeviceRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Sends one device back to an earlier version of a model.",
        discussion: """
            It keeps that version until a later one is promoted by its deployment. While a rollout runs, a device that
            has the new version can return to the one it came from only, and counts there as one that could not run it.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The device.", transform: { try DeviceID($0) }) var device: DeviceID
    @Argument(help: "The model.", transform: { try ModelName($0) }) var model: ModelName
    @Argument(help: "The version to return to.", transform: { try VersionName($0) }) var version: VersionName
    @Option(help: "Why; kept in the audit log.") var reason: String

    func run() throws {
        let told = try server.connect().rollBack(device, model: model, to: version, reason: reason)
        try output.print(told) { DeviceShow.lines(told, now: Console.now) }
    }
}
