import ArgumentParser

/// The device agent: fetches, verifies, swaps and tests model versions, and reports what the runtime counts.
@main
struct EdgeAgent: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "edge-agent",
        abstract: "Runs model versions on this device as its controller orders, and takes bad ones back by itself.",
        version: version, subcommands: [RunCommand.self, StatusCommand.self, DoctorCommand.self, RollbackCommand.self])
}
