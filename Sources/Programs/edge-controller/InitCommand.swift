import ArgumentParser
import ArtifactStorage
import Foundation
import Orchestration
import PrometheusExposition
import WireFormat

/// `edge-controller init`: makes a data directory and its first admin key.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a data directory with its assignment key and the first admin key.")

    @Option(help: "Where the controller keeps its data.")
    var data = ControllerDefaults.dataDirectory

    @Option(help: "sqlite, or a PostgreSQL address (default: sqlite in the data directory).")
    var database: String?

    @Option(help: "The person or machine the key is for.")
    var name = "admin"

    @Option(help: "Write the key to this file, readable by its owner only, instead of printing it.")
    var keyFile: String?

    @Flag(help: "Make a private certificate authority and a server certificate too.")
    var tls = false

    @Option(name: .customLong("host"), help: "A name or address the certificate is for; may be repeated.")
    var hosts: [String] = []

    func validate() throws {
        guard hosts.isEmpty || tls else { throw ValidationError("--host is for the certificate of --tls.") }
    }

    func run() throws {
        let controller = try ControllerAssembly(
            dataDirectory: data, database: DatabasePlace(database), log: SilentLog()
        ).controller
        let key = try controller.createFirstAPIKey(name: name)
        let secret = key.secret ?? ""
        if let keyFile {
            try SecretFile.write(secret + "\n", to: keyFile, overwriting: true)
            print("admin key \(key.id) for \(key.name) written to \(keyFile)")
        } else {
            print("admin key \(key.id) for \(key.name), shown once:")
            print(secret)
        }
        guard tls else { return }
        let certificates = try ControllerCertificates.certify(
            dataDirectory: data, hosts: hosts.isEmpty ? nil : hosts, now: SystemClock().now())
        print(certificates.told(dataDirectory: data))
    }
}

/// A log that keeps nothing, for commands that print their own result.
struct SilentLog: OrchestratorLog {
    func info(_ event: String, _ facts: [String: String]) {}
    func warning(_ event: String, _ facts: [String: String]) {}
    func error(_ event: String, _ facts: [String: String]) {}
}
