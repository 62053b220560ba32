import ArgumentParser
import Cryptography
import EdgeOrchestrator
import FoundationEssentials
import ModelTrust
import Terminal

/// `edgectl model sign`.
struct ModelSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Signs a directory or a file offline: writes model.sig into it, or FILE.sig.",
        discussion: """
            A directory is a version and needs an edge-version.json (model, version, releaseCounter, entry). A single
            file is signed as OpenSSF Model Signing signs it; devices run versions only.
            """)

    @Argument(help: "The version's directory, or one file.") var path: String
    @Option(help: "The publisher's private key: a file or a PKCS #11 URI.") var key: String

    func run() throws {
        let signer = ModelSigner(try KeyFile.signer(key))
        guard ModelPath.isDirectory(path) else {
            try write(try signer.sign(file: path, subject: ModelPath.name(path)), to: path + ModelPath.signatureSuffix)
            Console.output.print("signed \(path): \(path)\(ModelPath.signatureSuffix)")
            return
        }
        let signed = try signer.sign(directory: path)
        try write(signed.bundle, to: "\(path)/\(ArtifactPath.signature)")
        let manifest = signed.version.manifest
        Console.output.print("signed \(manifest.model) \(manifest.version)")
        Console.output.print("digest \(signed.version.digest)")
    }

    private func write(_ bundle: [UInt8], to path: String) throws {
        do {
            try Data(bundle).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure.failed("cannot write \(path): \(SmallFile.reason(error))")
        }
    }
}

/// `edgectl model verify`.
struct ModelVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks a signed directory offline, as a device would, or a signed file.")

    @Argument(help: "The version's directory with its model.sig, or one file with its FILE.sig.") var path: String
    @Option(help: "The publisher's public key.") var pub: String

    func run() throws {
        let key = try KeyFile.publicKey(pub)
        let verifier = ModelVerifier(trustedKeys: [key])
        guard ModelPath.isDirectory(path) else {
            _ = try verifier.verify(file: path, signature: path + ModelPath.signatureSuffix)
            Console.output.print("\(path) is whole and signed by \(key.fingerprint)")
            return
        }
        let version = try verifier.verify(directory: path)
        Console.output.print(
            "\(version.manifest.model) \(version.manifest.version) is whole and signed by \(key.fingerprint)")
        Console.output.print("digest \(version.digest)")
    }
}

/// What a person names to be signed.
enum ModelPath {
    /// What the signature of a single file is called.
    static let signatureSuffix = ".sig"

    static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }

    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}
