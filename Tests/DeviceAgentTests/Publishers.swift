import Cryptography
import Fleet
import ModelTrust

@testable import DeviceAgent

/// Publishers with a recovery key, and every key set that they signed.
struct Publishers {
    private(set) var recovery: SigningKey
    private(set) var keys: [SigningKey]
    private(set) var revoked: [PublicKey] = []
    /// The signed key sets, from number 1.
    private(set) var sets: [String] = []

    /// Publishers with one online key and no key set yet.
    init() throws {
        recovery = try SigningKey.generate()
        keys = [try SigningKey.generate()]
    }

    /// The newest online key.
    var key: SigningKey { keys[keys.count - 1] }

    /// What a device pins that enrols now.
    func pinned(assignmentKey: SigningKey) -> TrustedKeys {
        TrustedKeys(
            assignmentKey: assignmentKey.publicKey.pem, publisherKeys: keys.map(\.publicKey.pem),
            recoveryKey: recovery.fingerprint, keySet: UInt64(sets.count))
    }

    /// The next key set.
    func next() -> PublisherKeySet<PublicKey> {
        PublisherKeySet(
            number: UInt64(sets.count + 1), issuedAt: 1, keys: keys.map(\.publicKey), recoveryKey: recovery.publicKey,
            revoked: revoked)
    }

    /// Makes a new online key; the others stay.
    mutating func rotate() throws {
        keys.append(try SigningKey.generate())
        try publish(by: [recovery])
    }

    /// Revokes the oldest online key.
    mutating func revoke() throws {
        revoked.append(keys.removeFirst().publicKey)
        try publish(by: [recovery])
    }

    /// Hands over to another recovery key.
    mutating func handOver() throws {
        let before = recovery
        recovery = try SigningKey.generate()
        try publish(by: [before, recovery])
    }

    private mutating func publish(by signers: [SigningKey]) throws {
        sets.append(try Self.sign(next(), by: signers))
    }

    /// A key set signed by anybody.
    static func sign(_ set: PublisherKeySet<PublicKey>, by signers: [SigningKey]) throws -> String {
        String(
            decoding: try SignedKeySet.sign(set, with: signers.map { ($0.publicKey, $0) }), as: UTF8.self)
    }
}
