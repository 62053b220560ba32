import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust

extension PreparedVersion {
    /// Takes a directory that was signed before; the controller checks the signature.
    init(signed directory: String) throws {
        let path = "\(directory)/\(ArtifactPath.signature)"
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure.invalid(
                "give the publisher's private key with --key FILE (`edgectl key generate` makes one), or a directory "
                    + "that `edgectl model sign` has signed")
        }
        try self.init(
            directory: directory, bundle: try LocalFile.text(path, limitBytes: SignatureBundle.limitBytes),
            files: try DirectoryListing.read(directory).files)
    }

    /// Takes a directory and a signature over it that was made elsewhere, by the key that is named.
    init(directory: String, bundle path: String, by key: PublicKey, as name: (ModelName, VersionName)) throws {
        let text = try LocalFile.text(path, limitBytes: SignatureBundle.limitBytes)
        let listing = try DirectoryListing.read(directory)
        let manifest = "\(directory)/\(ArtifactPath.manifest)"
        guard listing.files.contains(where: { $0.path == .manifest }) else {
            throw CommandFailure.invalid(
                "\(directory) has no edge-version.json, which says what the version is; write it and sign the "
                    + "directory again (docs/security.md)")
        }
        let verified: VerifiedVersion
        do {
            verified = try ModelVerifier(trustedKeys: [key]).verify(
                bundle: Array(text.utf8), files: listing.files,
                manifest: try FileHashing.contents(ofFile: manifest, limitBytes: EdgeVersionManifest.limitBytes))
        } catch let refusal as ArtifactRefusal {
            throw CommandFailure.invalid("\(path) does not sign \(directory) as it is: \(refusal) (\(refusal.code))")
        }
        let manifestName = (verified.manifest.model, verified.manifest.version)
        guard manifestName == name else {
            throw CommandFailure.invalid(
                "edge-version.json says \(manifestName.0) \(manifestName.1), not \(name.0) \(name.1); push it as what "
                    + "it is")
        }
        try self.init(directory: directory, bundle: text, files: verified.files)
    }
}
