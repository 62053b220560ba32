import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl deploy`.
struct DeployCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Declares a deployment in short; the same as applying a file.",
        discussion: """
            An existing deployment keeps its selector, devices, policy and picked canaries unless they are given.
            --percent N makes the policy NAME-steps whose first step is N percent of the devices, from the deployment's
            policy (or --policy).
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var forecast: ForecastCheck
    @Argument(help: "The model.", transform: { try ModelName($0) }) var model: ModelName
    @Argument(help: "The version.", transform: { try VersionName($0) }) var version: VersionName
    @Option(
        name: [.customShort("l"), .long], help: "Labels of the devices; every device by default.",
        transform: { try Selector($0) })
    var selector: Selector?
    @Option(
        name: .customLong("device"), help: "A device by name; may be repeated. Of those the labels find, only these.",
        transform: { try DeviceID($0) })
    var devices: [DeviceID] = []
    @Option(help: "The size of the first step, in percent of the devices.") var percent: Double?
    @Option(
        name: .customLong("canary"),
        help: ArgumentHelp(
            "The canaries of the first step: a selector or device ids; drawn by default, which proves more.",
            valueName: "SELECTOR|ID,..."),
        transform: { try PickedCanaries(text: $0) })
    var canaries: PickedCanaries?
    @Flag(help: "Let the first step's canaries be drawn again.") var drawCanaries = false
    @Option(help: "The deployment's name; the model's by default.", transform: { try DeploymentName($0) })
    var name: DeploymentName?
    @Option(help: "The policy's name.", transform: { try PolicyName($0) }) var policy: PolicyName?
    @Flag(help: "Let the controller check everything and change nothing.") var dryRun = false

    func validate() throws {
        guard !drawCanaries || canaries == nil else {
            throw ValidationError("--canary picks canaries and --draw-canaries lets them be drawn; give one of them.")
        }
        guard percent == nil || canaries == nil else {
            throw ValidationError("--canary picks the first step, so --percent has no size to set; give one of them.")
        }
        if let percent {
            guard percent > 0, percent <= 100 else {
                throw ValidationError("--percent must be above 0 and at most 100.")
            }
        }
    }

    func run() throws {
        let controller = try server.connect()
        let name = try name ?? DeploymentName(model.rawValue)
        let before = try existing(name, controller)
        var deployment = Deployment(
            name: name, selector: selector ?? before?.selector ?? .everything,
            devices: devices.isEmpty ? before?.devices : devices, model: model, version: version,
            policy: policy ?? before?.policy, placebo: before?.placebo,
            canaries: drawCanaries ? nil : canaries ?? before?.canaries)
        if let percent {
            let stepped = try steppedPolicy(percent, for: deployment, controller)
            deployment.policy = stepped.name
            try tell(ApplyCommand.apply(.policy(stepped), with: controller, dryRun: dryRun))
        }
        try forecast.check(deployment, with: controller, dryRun: dryRun)
        try tell(ApplyCommand.apply(.deployment(deployment), with: controller, dryRun: dryRun))
    }

    private func tell(_ outcome: ApplyOutcome) throws {
        if output.isForPeople { return outcome.tell(dryRun: dryRun) }
        try output.print(outcome) { [] }
    }

    private func existing(_ name: DeploymentName, _ controller: Orchestrator) throws -> Deployment? {
        try ifKnown { () throws(OrchestratorError) in try controller.deployment(name) }
    }

    /// The deployment's policy with another first step; later steps stay as far as they are larger.
    private func steppedPolicy(
        _ percent: Double, for deployment: Deployment, _ controller: Orchestrator
    ) throws -> Policy {
        let own = try PolicyName("\(deployment.name)-steps")
        let source = try deployment.policy ?? PolicyName("default")
        var policy = try controller.policy(source)
        policy.name = own
        policy.steps = policy.steps(startingWith: percent)
        return policy
    }
}
