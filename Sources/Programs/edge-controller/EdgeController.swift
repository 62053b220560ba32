import ArgumentParser

/// `edge-controller`: ships models to a fleet and takes the bad ones back.
@main
struct EdgeController: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-controller",
        abstract: "Ships machine-learning models to fleets of edge devices and takes the bad ones back by itself.",
        version: BuildFacts.version,
        subcommands: [
            ServeCommand.self, InitCommand.self, CertifyCommand.self, BackupCommand.self, RestoreCommand.self,
            MigrateCommand.self, CopyDatabaseCommand.self, MetricsCatalogueCommand.self,
        ])
}

/// What is known about this build.
enum BuildFacts {
    static let version = "0.1.0"
    #if swift(>=6.3)
        static let swiftVersion = "6.3"
    #else
        static let swiftVersion = "6.2"
    #endif
}
