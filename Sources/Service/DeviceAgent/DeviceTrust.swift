public import Fleet
public import ModelTrust
import Synchronization

/// Trust decisions by the keys that the enrolment token pinned and the key sets that were followed since.
public final class DeviceTrust<Key: PEMKey, Algorithm: DigestAlgorithm>: VersionVerifying {
    private let device: DeviceID
    private let assignmentKey: Key
    private let publishers: Mutex<PublisherTrust<Key>>
    private let store: MembershipStore
    private let algorithm: Algorithm

    /// Begins with the keys that the device keeps.
    ///
    /// - Throws: ``UnreadableKey`` when one of them is damaged.
    public init(_ keys: TrustedKeys, device: DeviceID, files: any DurableFiles, hashing algorithm: Algorithm) throws {
        func read(_ pem: String) throws(UnreadableKey) -> Key {
            guard let key = Key.read(pem: pem) else { throw UnreadableKey() }
            return key
        }
        self.device = device
        self.algorithm = algorithm
        store = MembershipStore(files: files)
        assignmentKey = try read(keys.assignmentKey)
        publishers = Mutex(
            PublisherTrust(
                keys: try keys.publisherKeys.map(read), revoked: try keys.revokedKeys.map(read),
                recoveryKey: keys.recoveryKey, number: keys.keySet))
    }

    /// Reads a signed assignment that the pinned key made for this device.
    public func claims(in text: String) throws(AssignmentRefusal) -> AssignmentClaims {
        try AssignmentClaims(verifying: text, trustedKeys: [assignmentKey], device: device)
    }

    /// Checks a bundle's signature alone.
    public func authenticate(bundle: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion {
        try trust.authenticate(bundle: bundle)
    }

    /// Checks signature, files and description together.
    public func verify(
        bundle: [UInt8], files: [FileDigest], manifest: [UInt8]
    ) throws(ArtifactRefusal) -> VerifiedVersion {
        try trust.verify(bundle: bundle, files: files, manifest: manifest)
    }

    /// The same with keys that were revoked since.
    public func verifyKept(
        bundle: [UInt8], files: [FileDigest], manifest: [UInt8]
    ) throws(ArtifactRefusal) -> VerifiedVersion {
        try trust.withRevoked.verify(bundle: bundle, files: files, manifest: manifest)
    }

    /// The number of the key set that is followed.
    public var keySet: UInt64 { publishers.withLock { $0.number } }

    /// Follows the next key set: on disk first, so that no power cut brings a revoked key back.
    public func follow(keySet text: String) throws {
        var next = publishers.withLock { $0 }
        try next.follow(Array(text.utf8))
        try store.save(
            TrustedKeys(
                assignmentKey: assignmentKey.pem, publisherKeys: next.keys.map(\.pem),
                revokedKeys: next.revoked.map(\.pem), recoveryKey: next.recoveryKey, keySet: next.number))
        publishers.withLock { [next] in $0 = next }
    }

    private var trust: VersionTrust<Key, Algorithm> {
        publishers.withLock { VersionTrust(trustedKeys: $0.keys, revokedKeys: $0.revoked, hashing: algorithm) }
    }
}

/// A key that a device keeps and that cannot be read.
public struct UnreadableKey: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    public var description: String { "a key in trust/keys.json cannot be read; restore the file, or enrol again" }
}
