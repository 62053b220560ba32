import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// A declaration as people name it: `policy/demo` or `deployment/digits`.
enum DeclarationName: ExpressibleByArgument, Hashable {
    case policy(PolicyName)
    case deployment(DeploymentName)

    init?(argument: String) {
        let parts = argument.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "policy":
            guard let name = PolicyName(rawValue: parts[1]) else { return nil }
            self = .policy(name)
        case "deployment":
            guard let name = DeploymentName(rawValue: parts[1]) else { return nil }
            self = .deployment(name)
        default: return nil
        }
    }

    /// The declaration as the controller keeps it.
    func manifest(from controller: Orchestrator) throws -> Manifest {
        switch self {
        case .policy(let name): .policy(try controller.policy(name))
        case .deployment(let name): .deployment(try controller.deployment(name))
        }
    }
}

/// `edgectl get`.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Prints declarations in the form that can be applied again.",
        discussion: "Without a name: every policy and every deployment.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "policy/NAME or deployment/NAME.") var names: [DeclarationName] = []

    func run() throws {
        let controller = try server.connect()
        let manifests =
            try names.isEmpty
            ? controller.policies().map(Manifest.policy) + controller.deployments().map(Manifest.deployment)
            : names.map { try $0.manifest(from: controller) }
        switch output.output {
        case .json: try output.print(manifests) { [] }
        case .yaml:
            let documents = try manifests.map(Rendering.yaml)
            Console.output.write(documents.joined(separator: "---\n"))
        case .table, .wide: try output.printTable(manifests, Self.table(manifests), ifEmpty: "no declarations")
        }
    }

    static func table(_ manifests: [Manifest]) -> Table {
        var table = Table("NAME", "DECLARES")
        for manifest in manifests {
            let summary =
                switch manifest {
                case .policy(let policy):
                    "steps \(policy.steps.map(\.description).joined(separator: ", ")); heartbeat "
                        + "\(Quantity.duration(seconds: policy.heartbeatSeconds)), soak "
                        + "\(Quantity.duration(seconds: policy.soakSeconds)), deadline "
                        + Quantity.duration(seconds: policy.deadlineSeconds)
                case .deployment(let deployment):
                    "\(deployment.model) \(deployment.version) on "
                        + deployment.whichDevices
                        + " by policy/\(deployment.policy?.rawValue ?? "default")"
                        + (deployment.canaries.map { ", canaries picked: \($0)" } ?? "")
                }
            table.add([StyledText(manifest.title), StyledText(summary)])
        }
        return table
    }
}

/// `edgectl delete`.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes a deployment (its devices keep what they run) or an unused policy.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "policy/NAME or deployment/NAME.") var name: DeclarationName

    func run() throws {
        let controller = try server.connect()
        switch name {
        case .policy(let name):
            try controller.removePolicy(name)
            Console.output.print("policy/\(name) removed")
        case .deployment(let name):
            try controller.removeDeployment(name)
            Console.output.print("deployment/\(name) removed; its devices keep what they run")
        }
    }
}
