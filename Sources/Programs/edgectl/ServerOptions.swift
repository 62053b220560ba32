import ArgumentParser
import CurlClient
import EdgeOrchestrator
import FoundationEssentials
import WireFormat

/// Which controller, and as whom.
struct ServerOptions: ParsableArguments {
    @Option(help: "The controller's address, e.g. https://controller:8443 (EDGECTL_SERVER).") var server: String?
    @Option(help: "An operator's API key; better in EDGECTL_KEY or a profile, where other users do not see it.")
    var apiKey: String?
    @Option(help: "The profile to use (EDGECTL_PROFILE).") var profile: String?
    @Option(help: "PEM file of the certificate authority that signed the controller's certificate (EDGECTL_CA_FILE).")
    var caFile: String?

    /// The controller; nothing is sent yet.
    ///
    /// - Throws: where no controller is named, or the profile file cannot be used.
    func connect() throws -> Orchestrator {
        let target = try resolved()
        return try Orchestrator(server: target.server, key: target.key, tls: CurlTLS(caFile: target.caFile))
    }

    /// What applies here and now.
    func resolved() throws -> Profile {
        try resolved(environment: Console.environment, profiles: try ProfileFile.located(Console.environment).load())
    }

    /// What the flags, the environment and the profiles say together: a flag wins over a profile that was asked for,
    /// that over the environment, and that over the current profile.
    func resolved(environment: [String: String], profiles: Profiles) throws -> Profile {
        let environment = environment.filter { !$0.value.isEmpty }
        let asked = profile ?? (server == nil ? environment["EDGECTL_PROFILE"] : nil)
        let chosen: Profile? =
            if let asked { try profiles.named(asked) } else { profiles.current.flatMap { profiles.profiles[$0] } }
        guard let address = server ?? (asked == nil ? environment["EDGECTL_SERVER"] : nil) ?? chosen?.server else {
            throw CommandFailure.invalid(
                "no controller is named: give --server URL, set EDGECTL_SERVER, or keep it in a profile with "
                    + "`edgectl profile set NAME --server URL`")
        }
        // A profile's key goes to the profile's server only, whatever else is named.
        let own = chosen.flatMap { $0.server == address ? $0 : nil }
        let keyFromEnvironment = asked == nil ? environment["EDGECTL_KEY"] : nil
        let askedFor = asked == nil ? nil : own?.caFile
        return Profile(
            server: address, key: apiKey ?? keyFromEnvironment ?? own?.key,
            caFile: caFile ?? askedFor ?? environment["EDGECTL_CA_FILE"] ?? own?.caFile,
            assignmentKeyFile: own?.assignmentKeyFile)
    }
}

/// Asks the controller for something; nil where it says that there is no such thing.
func ifKnown<Value>(_ ask: () throws(OrchestratorError) -> Value) throws(OrchestratorError) -> Value? {
    do {
        return try ask()
    } catch {
        guard error.problem?.status == 404 else { throw error }
        return nil
    }
}
