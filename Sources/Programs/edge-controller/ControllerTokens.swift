import Cryptography
import Fleet
import Foundation
import ModelTrust
import Orchestration
import Synchronization
import WireFormat

/// Tokens that the controller signs for its devices, with keys in a file.
final class ControllerTokens: SignedTokens {
    /// How long a device's token holds, in seconds.
    static let lifetimeSeconds: Int64 = 3600
    static let tokenType = "edge-device+jwt"

    private struct Keys {
        var ring: TokenKeyRing
        var verifying: [TokenVerificationKey]

        init(_ ring: TokenKeyRing) throws {
            self.ring = ring
            verifying = try ring.keySet.keys.map { try TokenVerificationKey($0) }
        }
    }

    private let path: String
    private let profile: TokenProfile
    private let keys: Mutex<Keys>

    /// Reads the keys of a data directory; makes them where there are none, readable by their owner only.
    ///
    /// - Parameter controller: what tells this controller from others: the fingerprint of its assignment key.
    init(directory: String, controller: Digest, at now: Timestamp) throws {
        path = directory + "/token.keys"
        let issuer = "urn:edge:controller:\(controller.short)"
        profile = TokenProfile(
            types: [Self.tokenType], issuer: issuer, audience: issuer, lifetimeSeconds: Self.lifetimeSeconds)
        if FileManager.default.fileExists(atPath: path) {
            let text = try FileHashing.contents(ofFile: path, limitBytes: 1 << 16)
            keys = Mutex(try Keys(try TokenKeyRing(parsing: text)))
        } else {
            let ring = try TokenKeyRing(at: now.milliseconds / 1000)
            keys = Mutex(try Keys(ring))
            try write(ring)
        }
        try rotate(at: now)
    }

    func issue(to device: DeviceID, at now: Timestamp) throws -> DeviceToken {
        try rotate(at: now)
        let seconds = now.milliseconds / 1000
        let claims = TokenClaims(
            issuer: profile.issuer, subject: "device:\(device)", audience: profile.audience, notBefore: seconds,
            expiresAt: seconds + Self.lifetimeSeconds)
        let key = keys.withLock { $0.ring.signingKey(at: seconds) }
        return DeviceToken(
            token: try key.token(claims, type: Self.tokenType),
            expiresAt: Timestamp(milliseconds: claims.expiresAt * 1000))
    }

    func caller(of token: String, at now: Timestamp) -> Caller? {
        let keys = keys.withLock { $0.verifying }
        guard let claims = try? profile.claims(in: token, keys: keys, now: now.milliseconds / 1000),
            claims.subject.hasPrefix("device:"), let device = try? DeviceID(String(claims.subject.dropFirst(7)))
        else { return nil }
        return .device(device)
    }

    func keySet(at now: Timestamp) throws -> [UInt8] {
        try rotate(at: now)
        return keys.withLock { $0.ring.keySet.serialized() }
    }

    /// Makes keys as time passes; they are in the file before they are shown or used.
    private func rotate(at now: Timestamp) throws {
        try keys.withLock { keys in
            var ring = keys.ring
            guard try ring.rotate(at: now.milliseconds / 1000) else { return }
            try write(ring)
            keys = try Keys(ring)
        }
    }

    private func write(_ ring: TokenKeyRing) throws {
        try SecretFile.write(String(decoding: try ring.serialized(), as: UTF8.self), to: path, overwriting: true)
    }
}
