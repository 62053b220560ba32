import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import WireFormat

/// `edgectl rollout forecast`.
struct RolloutForecast: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast",
        abstract:
            "Tells what a plan can find, and how soon, before it starts; exits 6 where it cannot see its tolerance.",
        discussion: """
            Reads the same files as apply and changes nothing. The forecast rests on the fleet's own history of requests
            and failures, and on the evidence of its last rollout where there is one.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var files: ManifestOption
    @Option(help: "The pace that false rollbacks are counted at; one rollout a week of every deployment by default.")
    var rolloutsPerYear: Double?

    func validate() throws {
        if let rolloutsPerYear, !(rolloutsPerYear >= 0 && rolloutsPerYear.isFinite) {
            throw ValidationError("--rollouts-per-year must be 0 or more.")
        }
    }

    func run() throws {
        let manifests = Manifest.inOrder(try files.manifests())
        let controller = try server.connect()
        let requests = Self.requests(manifests, rolloutsPerYear: rolloutsPerYear)
        guard !requests.isEmpty else { throw CommandFailure.invalid("no file declares a deployment to be forecast") }
        var forecasts: [PlanForecast] = []
        for request in requests {
            let forecast = try controller.forecast(request)
            forecasts.append(forecast)
            guard output.isForPeople else { continue }
            for line in ForecastReport(forecast, of: request.deployment).lines { Console.output.print(line) }
        }
        if !output.isForPeople { try output.print(forecasts) { [] } }
        if forecasts.contains(where: { !$0.faults.isEmpty }) { throw QuietExit(status: .blindPlan) }
    }

    /// One request per deployment, with its policy where a file declares that too.
    static func requests(_ manifests: [Manifest], rolloutsPerYear: Double? = nil) -> [ForecastRequest] {
        var policies: [PolicyName: Policy] = [:]
        var requests: [ForecastRequest] = []
        for manifest in manifests {
            switch manifest {
            case .policy(let policy): policies[policy.name] = policy
            case .deployment(let deployment):
                requests.append(
                    ForecastRequest(
                        deployment: deployment, policy: deployment.policy.flatMap { policies[$0] },
                        rolloutsPerYear: rolloutsPerYear))
            }
        }
        return requests
    }
}

/// `--accept-forecast`: what apply and deploy do before a rollout starts.
struct ForecastCheck: ParsableArguments {
    @Flag(help: "Start a rollout although the forecast says that its plan cannot see the tolerance it names.")
    var acceptForecast = false

    /// Forecasts what applying a deployment would start, and says what is wrong with it.
    ///
    /// - Throws: a failure with exit code 6 where the plan cannot see its tolerance and that was not accepted.
    func check(_ deployment: Deployment, with controller: Orchestrator, dryRun: Bool) throws {
        let forecast: PlanForecast
        do throws(OrchestratorError) {
            let outcome = try controller.apply(deployment, dryRun: true)
            guard outcome.change != .unchanged, outcome.rollout != nil else { return }
            forecast = try controller.forecast(ForecastRequest(deployment: deployment))
        } catch {
            // What is wrong with the deployment itself is said when it is applied.
            Console.note("not forecast: \(error)")
            return
        }
        let sentences = forecast.faults.map(\.sentence)
        guard !sentences.isEmpty else { return }
        guard acceptForecast || dryRun else {
            throw CommandFailure(status: .blindPlan, description: Self.refusal(deployment, sentences))
        }
        for sentence in sentences { Console.warn(sentence) }
    }

    static func refusal(_ deployment: Deployment, _ sentences: [String]) -> String {
        (["deployment/\(deployment.name) was not applied: its plan cannot see the tolerance it names"]
            + sentences.map { "  \($0)" }
            + ["  `edgectl rollout forecast` shows the whole; --accept-forecast starts it all the same"])
            .joined(separator: "\n")
    }
}
