import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `-f`.
struct ManifestOption: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")], help: "A YAML or JSON file; - reads the input. May be repeated."
    )
    var files: [String]

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("Give at least one -f FILE.") }
    }

    /// Every declaration of every file; nothing is applied unless all of them can be read.
    func manifests() throws -> [Manifest] {
        try files.flatMap { file in
            let text: String
            if file == "-" {
                var lines: [String] = []
                while let line = readLine(strippingNewline: false) { lines.append(line) }
                text = lines.joined()
            } else {
                text = try LocalFile.text(file, limitBytes: ManifestReader.limitBytes)
            }
            return try ManifestReader(file: file).manifests(in: text)
        }
    }
}

/// `edgectl apply`.
struct ApplyCommand: ParsableCommand {
    enum DryRun: String, CaseIterable, ExpressibleByArgument {
        case server, none
    }

    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Declares policies and deployments; a changed version starts a rollout.",
        discussion: """
            Documents have `kind: Policy` or `kind: Deployment` and the fields of it. Policies are applied before
            deployments. A version that was rolled back is not started again by applying; `edgectl rollout retry` does
            that. A rollout whose plan cannot see the tolerance it names (see `edgectl rollout forecast`) is not started
            unless --accept-forecast is given; exit code 6.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var files: ManifestOption
    @OptionGroup var forecast: ForecastCheck
    @Option(help: "server: let the controller check everything and change nothing.") var dryRun = DryRun.none

    func run() throws {
        let manifests = Manifest.inOrder(try files.manifests())
        let controller = try server.connect()
        var outcomes: [ApplyOutcome] = []
        for manifest in manifests {
            if case .deployment(let deployment) = manifest {
                try forecast.check(deployment, with: controller, dryRun: dryRun == .server)
            }
            let outcome = try Self.apply(manifest, with: controller, dryRun: dryRun == .server)
            if output.isForPeople { outcome.tell(dryRun: dryRun == .server) }
            outcomes.append(outcome)
        }
        if !output.isForPeople { try output.print(outcomes) { [] } }
    }

    /// Applies one declaration.
    static func apply(_ manifest: Manifest, with controller: Orchestrator, dryRun: Bool) throws -> ApplyOutcome {
        switch manifest {
        case .policy(let policy):
            let result = try controller.apply(policy, dryRun: dryRun)
            return ApplyOutcome(
                resource: manifest.title, change: result.change.rawValue, rollout: result.rollout,
                warnings: result.warnings)
        case .deployment(let deployment):
            let result = try controller.apply(deployment, dryRun: dryRun)
            return ApplyOutcome(
                resource: manifest.title, change: result.change.rawValue, rollout: result.rollout,
                warnings: result.warnings)
        }
    }
}

/// What applying one declaration did.
struct ApplyOutcome: Codable, Hashable {
    /// `policy/demo`.
    var resource: String
    /// `created`, `updated` or `unchanged`.
    var change: String
    /// The rollout that it started or that is under way.
    var rollout: RolloutID?
    var warnings: [String]

    /// Says it in lines.
    func tell(dryRun: Bool) {
        let style: Style = change == "unchanged" ? .faint : .good
        let ending = (rollout.map { ", rollout \($0)" } ?? "") + (dryRun ? " (dry run, nothing was changed)" : "")
        Console.output.print(StyledText("\(resource) ") + StyledText(change, style) + StyledText(ending))
        for warning in warnings { Console.warn(warning) }
    }
}
