internal import Cryptography

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Where a publisher's private key lies.
enum SigningKeyFile {
    /// The file that is meant: the one that was given, `EDGECTL_SIGNING_KEY`, or `publisher.key` beside the profiles.
    static func located(_ given: String?) throws(VersionSourceError) -> String {
        if let path = given ?? Environment["EDGECTL_SIGNING_KEY"] { return path }
        let path = "\(profileDirectory)/publisher.key"
        guard FileManager.default.fileExists(atPath: path) else {
            throw .invalid(
                "a version needs a publisher's signature: give signingKey, set EDGECTL_SIGNING_KEY to the key's file, "
                    + "or keep the key in \(path) (`edgectl key generate` makes one)")
        }
        return path
    }

    /// Reads the key.
    static func read(_ given: String?) throws -> PublisherSigner {
        let path = try located(given)
        do {
            return PublisherSigner(try SigningKey(pem: try SmallFile.text(path, as: "signing key")))
        } catch let error as CryptographyError {
            throw VersionSourceError.invalid(
                "\(path) is not a private key on P-256 (PEM, without a passphrase): \(error); "
                    + "`edgectl key generate` makes one")
        }
    }

    /// Where the profiles of `edgectl` are.
    private static var profileDirectory: String {
        if let file = Environment["EDGECTL_CONFIG"] {
            return URL(filePath: file).deletingLastPathComponent().path
        }
        let base = Environment["XDG_CONFIG_HOME"] ?? "\(Environment["HOME"] ?? ".")/.config"
        return base + "/edgectl"
    }
}
