public import Fleet

/// Why a version's files were not accepted.
public enum ArtifactRefusal: TrustRefusal {
    /// The bundle is no Sigstore bundle v0.3 with one DSSE signature.
    case bundleMalformed(reason: String)
    /// The bundle is signed by a method that devices do not accept: a certificate chain or keyless signing.
    case bundleUnsupported(method: String)
    /// No trusted key is the one that the bundle names; the hint is its PEM digest.
    case signatureUnknownKey(hint: String)
    /// The bundle names a key that publishers have revoked.
    case signatureRevokedKey(key: Digest)
    /// The named key did not make this signature over this payload.
    case signatureInvalid(key: Digest)
    /// The signed statement is not an OpenSSF Model Signing statement that devices accept.
    case statementMalformed(reason: String)
    /// The statement's root digest is not that of its own resources.
    case rootMismatch(expected: Digest, actual: Digest)
    /// A path leaves the directory or has two readings.
    case pathForbidden(InvalidArtifactPath)
    /// A symbolic link, a pipe, a socket or a device lies where only files may.
    case notAFile(ArtifactPath)
    /// A signed file is not there.
    case fileMissing(ArtifactPath)
    /// A file is there that was not signed.
    case fileUnexpected(ArtifactPath)
    /// A file is not what was signed.
    case hashMismatch(path: ArtifactPath, expected: Digest, actual: Digest)
    /// The version does not say what it is: `edge-version.json` is not among the signed files.
    case manifestMissing
    /// `edge-version.json` cannot be read.
    case manifestMalformed(reason: String)
    /// `edge-version.json` says something else than what was asked for.
    case manifestMismatch(field: String, expected: String, actual: String)

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .bundleMalformed: "bundle_malformed"
        case .bundleUnsupported: "bundle_unsupported"
        case .signatureUnknownKey: "signature_unknown_key"
        case .signatureRevokedKey: "signature_revoked_key"
        case .signatureInvalid: "signature_invalid"
        case .statementMalformed: "statement_malformed"
        case .rootMismatch: "root_mismatch"
        case .pathForbidden: "path_forbidden"
        case .notAFile: "not_a_file"
        case .fileMissing: "file_missing"
        case .fileUnexpected: "file_unexpected"
        case .hashMismatch: "hash_mismatch"
        case .manifestMissing: "manifest_missing"
        case .manifestMalformed: "manifest_malformed"
        case .manifestMismatch: "manifest_mismatch"
        }
    }

    /// Every code, in the order of the cases.
    public static let codes = [
        "bundle_malformed", "bundle_unsupported", "signature_unknown_key", "signature_revoked_key",
        "signature_invalid", "statement_malformed", "root_mismatch", "path_forbidden", "not_a_file",
        "file_missing", "file_unexpected", "hash_mismatch", "manifest_missing",
        "manifest_malformed", "manifest_mismatch",
    ]

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .bundleMalformed(let reason):
            "The signature file is not a readable bundle: \(reason). Sign the version again."
        case .bundleUnsupported(let method):
            "The version is signed by \(method); only a publisher's P-256 key is accepted here."
        case .signatureUnknownKey(let hint):
            "The version is signed by a key that is not trusted here (\(hint.prefix(64))). "
                + "Sign with a pinned publisher key, or pin this one."
        case .signatureRevokedKey(let key):
            "The version is signed by key \(key.short), which its publishers revoked. "
                + "Sign it again with a key that counts."
        case .signatureInvalid(let key):
            "The signature does not belong to the signed content under key \(key.short). "
                + "The bundle was changed after signing."
        case .statementMalformed(let reason):
            "The signed statement cannot be used: \(reason)."
        case .rootMismatch(let expected, let actual):
            "The statement names root digest \(expected.short), but its files give \(actual.short)."
        case .pathForbidden(let path): "The version was refused: \(path)."
        case .notAFile(let path):
            "\(path) is a link, a pipe or a device, not a file. Push a directory that holds files alone."
        case .fileMissing(let path): "The signed file \(path) is missing. Fetch the version again."
        case .fileUnexpected(let path): "The file \(path) is not covered by the signature. Remove it or sign again."
        case .hashMismatch(let path, let expected, let actual):
            "The file \(path) has digest \(actual.short) where \(expected.short) was signed. Fetch the version again."
        case .manifestMissing:
            "The version has no signed edge-version.json, so nothing says which model and version it is."
        case .manifestMalformed(let reason): "edge-version.json cannot be used: \(reason)."
        case .manifestMismatch(let field, let expected, let actual):
            "edge-version.json has \(field) \"\(actual)\" where \"\(expected)\" is expected."
        }
    }
}
