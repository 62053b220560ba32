import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import Terminal
import WireFormat

/// `edgectl model push`.
struct ModelPush: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Signs a version here, uploads its files and registers it.",
        discussion: """
            PATH is a file or a directory; nothing is written into it. A directory may bring its own edge-version.json,
            or be signed already (model.sig, from `edgectl model sign`); --key is then not needed. A signature that was
            made elsewhere (OpenSSF Model Signing) is pushed as it is with --bundle, after it was checked here against
            the files and the key in --pub. An interrupted upload goes on where it stopped when the same command is
            given again.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The model.", transform: { try ModelName($0) }) var model: ModelName
    @Argument(help: "The version's name; what it stands for never changes.", transform: { try VersionName($0) })
    var version: VersionName
    @Argument(help: "The model's file, or a directory with everything the version holds.") var path: String
    @Option(help: "The publisher's private key; it does not leave this machine: a file or a PKCS #11 URI.") var key:
        String?
    @Option(help: "A signature over PATH made elsewhere, e.g. by `model_signing sign key`; pushed as it is.")
    var bundle: String?
    @Option(help: "The public key that made --bundle.") var pub: String?
    @Option(help: "The release counter; one more than the newest version's by default.") var counter: UInt64?
    @Option(help: "Withdraws versions with a smaller release counter, where this one has become the last known good.")
    var releaseFloor: UInt64 = 0
    @Option(name: .customLong("meta"), help: "A fact KEY=VALUE for people, e.g. git=4f2a91c; may be repeated.")
    var metadata: [String] = []
    @Option(help: "The file the runtime loads, relative to PATH.") var entry: String?
    @Option(help: "Golden inputs and outputs for the smoke test: a file in PATH, or one to add.") var golden: String?
    @Option(help: "How far an output may be from its golden one.") var tolerance = 0.000_1
    @Option(name: .customLong("latency-budget-ms"), help: "The longest answer to a golden input, milliseconds.")
    var latencyBudgetMs = 1000.0
    @Option(name: .customLong("memory-budget-mib"), help: "The most the runtime may hold after the golden inputs, MiB.")
    var memoryBudgetMib: UInt64?
    @Option(help: "The processor a device must have, e.g. aarch64.") var arch: String?
    @Option(help: "The runtime a device must have, e.g. onnxruntime.") var runtime: String?
    @Option(help: "The least memory a device must have, bytes.") var minMemory: UInt64?

    func validate() throws {
        guard (bundle == nil) == (pub == nil) else {
            throw ValidationError("--bundle FILE and --pub FILE.pub belong together.")
        }
        guard bundle == nil || key == nil else {
            throw ValidationError("With --bundle nothing is signed here; leave --key out.")
        }
        guard tolerance.isFinite, tolerance >= 0 else { throw ValidationError("--tolerance must be 0 or more.") }
        guard latencyBudgetMs.isFinite, latencyBudgetMs > 0 else {
            throw ValidationError("--latency-budget-ms must be more than 0.")
        }
    }

    func run() throws {
        let source = try source()
        let signingKey = try key.map { try KeyFile.signer($0) }
        let controller = try server.connect()
        let registered = try TemporaryDirectory.with(unremoved: Console.warn) { directory in
            let prepared: PreparedVersion
            if let signingKey {
                try source.stage(
                    in: directory,
                    counter: try counter ?? controller.nextReleaseCounter(for: version, of: model),
                    floor: releaseFloor)
                prepared = try PreparedVersion(signing: directory, with: signingKey)
                try register(signingKey.publicKey, with: controller)
            } else if let bundle, let pub {
                let publicKey = try KeyFile.publicKey(pub)
                prepared = try PreparedVersion(
                    directory: path, bundle: bundle, by: publicKey, as: (model, version))
                try register(publicKey, with: controller)
            } else {
                prepared = try PreparedVersion(signed: path)
            }
            return try publish(prepared, to: controller)
        }
        try output.print(registered) { ModelShow.lines(registered, now: Console.now) }
    }

    private func source() throws -> VersionSource {
        var source = VersionSource(model: model, version: version, path: path)
        source.entry = entry
        source.golden = golden
        source.tolerance = tolerance
        source.latencyBudgetMs = latencyBudgetMs
        source.memoryBudgetBytes = memoryBudgetMib.map { $0 << 20 }
        source.compatibility = .init(arch: arch, runtime: runtime, minMemoryBytes: minMemory)
        source.metadata = try KeyValues.parsed(metadata, option: "--meta")
        return source
    }

    private func register(_ key: PublicKey, with controller: Orchestrator) throws {
        do throws(OrchestratorError) {
            if try controller.makeKnown(key) { Console.note("registered publisher key \(key.fingerprint)") }
        } catch {
            guard error.problem?.status == 403 else { throw error }
            throw CommandFailure.failed(
                "the controller does not know the publisher key \(key.fingerprint) and this API key may not register "
                    + "it; ask an admin to run `edgectl key register` with its public file")
        }
    }

    private func publish(_ prepared: PreparedVersion, to controller: Orchestrator) throws -> VersionResource {
        var line: (path: String, progress: ProgressLine)?
        return try controller.publish(prepared, as: version, of: model) { file, stored in
            var current =
                line?.path == file.path
                ? line?.progress : ProgressLine(title: file.path, totalBytes: file.sizeBytes, at: Console.seconds)
            let text = current?.advanced(to: stored, at: Console.seconds, on: Console.error)
            line = current.map { (file.path, $0) }
            if let text { Console.error.write(text) }
        }
    }
}
