public import Fleet

/// Where everything lies in the agent's state directory.
///
/// ```
/// identity/enrol.json            who the device is, and its token or the name of its certificate (0600)
/// identity/standing.json         why the controller keeps it from taking part, where it does
/// identity/device.key            its private key (0600); device-<end>.pem: its certificate
/// trust/                         pinned keys and certificate authority, the newest assignment, floors
/// store/sha256/ab/<digest>       files of versions by content, read-only, shared by hard links
/// models/<model>/versions/<d>/   a version: its files, model.sig, .sealed
/// models/<model>/current, lkg    symbolic links: what serves, what is returned to
/// staging/                       files being fetched
/// journal/a, b                   two records; the valid one with the larger sequence holds
/// outbox/                        reports until they are acknowledged
/// quarantine/<digest>.json       versions that failed here
/// return.json                    a person at the device wants it back on its last known good
/// counters.json                  totals that are not acknowledged yet; counters.recent.json: the same, not synced
/// lock                           held by the one agent that may run here
/// ```
public struct StateLayout: Hashable, Sendable {
    /// The model slot.
    public let model: ModelName

    /// Describes the layout for a model slot.
    public init(model: ModelName) {
        self.model = model
    }

    static let identity = "identity/enrol.json"
    static let standing = "identity/standing.json"
    /// The device's private key, PEM.
    public static let deviceKey = "identity/device.key"

    /// A certificate of the device; each has a name of its own, so that connections with the one before are not reused.
    static func certificate(expiresAt: Timestamp) -> String { "identity/device-\(expiresAt.milliseconds / 1000).pem" }

    static func isCertificate(_ name: String) -> Bool { name.hasPrefix("device-") && name.hasSuffix(".pem") }
    /// The certificate authority of the controller, PEM, where the enrolment token pinned one.
    public static let certificateAuthority = "trust/ca.pem"
    static let trustedKeys = "trust/keys.json"
    static let assignment = "trust/assignment.jws"
    static let floors = "trust/floors.json"
    static let journal = ["journal/a", "journal/b"]
    static let outbox = "outbox"
    static let acknowledged = "outbox/acknowledged"
    static let staging = "staging"
    static let store = "store/sha256"
    static let quarantine = "quarantine"
    static let returnRequest = "return.json"
    static let counters = "counters.json"
    static let recentCounters = "counters.recent.json"

    var modelDirectory: String { "models/\(model)" }
    var versions: String { "\(modelDirectory)/versions" }
    var current: String { "\(modelDirectory)/current" }
    var lastKnownGood: String { "\(modelDirectory)/lkg" }

    /// Every directory, parents first.
    var directories: [String] {
        ["identity", "trust", Self.store, versions, Self.staging, "journal", Self.outbox, Self.quarantine]
    }

    func version(_ digest: Digest) -> String { "\(versions)/\(digest)" }
    func seal(_ digest: Digest) -> String { "\(version(digest))/\(Self.sealName)" }
    func signature(_ digest: Digest) -> String { "\(version(digest))/\(Self.signatureName)" }
    func linkText(_ digest: Digest) -> String { "versions/\(digest)" }

    static let sealName = ".sealed"
    static let signatureName = "model.sig"

    static func blob(_ digest: Digest) -> String { "\(store)/\(digest.hex.prefix(2))/\(digest)" }
    static func part(_ digest: Digest) -> String { "\(staging)/\(digest).part" }
    static func stagedSignature(_ digest: Digest) -> String { "\(staging)/\(digest).sig" }
    static func quarantine(_ digest: Digest) -> String { "\(quarantine)/\(digest).json" }
}
