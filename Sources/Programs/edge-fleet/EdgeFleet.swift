import ArgumentParser

/// Simulated fleets: what the judge can see of them, and how soon.
@main
struct EdgeFleet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-fleet", abstract: "Simulates fleets: what the judge can see of them, and how soon.",
        version: "0.1.0", subcommands: [ProveCommand.self, JudgeCommand.self, ForecastCheckCommand.self])
}
