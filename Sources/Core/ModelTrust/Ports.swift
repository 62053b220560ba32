public import Fleet

/// SHA-256 of bytes in memory: a port, because the pure targets hold no cryptography.
public protocol DigestAlgorithm: Sendable {
    /// The SHA-256 digest of the bytes.
    func digest(of bytes: [UInt8]) -> Digest
}

/// A public ECDSA P-256 key that checks signatures over SHA-256: a port.
///
/// A signature that is malformed in any way is simply not valid; an implementation never answers true on a failure of
/// its own.
public protocol SignatureVerifying: Sendable {
    /// SHA-256 of the key's SubjectPublicKeyInfo (DER): the pinned name of the key.
    var fingerprint: Digest { get }
    /// SHA-256 of the key's PEM text: the name of the key in a signature bundle.
    var pemDigest: Digest { get }
    /// Whether the signature, an ASN.1 DER sequence of r and s, is the key's over the message.
    func accepts(derSignature: [UInt8], over message: [UInt8]) -> Bool
    /// Whether the signature, r and s of 32 bytes each, is the key's over the message.
    func accepts(rawSignature: [UInt8], over message: [UInt8]) -> Bool
}

/// A private ECDSA P-256 key that signs over SHA-256: a port.
public protocol MessageSigning: Sendable {
    /// What signing throws.
    associatedtype Failure: Error
    /// SHA-256 of the public key's SubjectPublicKeyInfo (DER).
    var fingerprint: Digest { get }
    /// SHA-256 of the public key's PEM text.
    var pemDigest: Digest { get }
    /// Signs the message; the result is an ASN.1 DER sequence of r and s.
    func derSignature(over message: [UInt8]) throws(Failure) -> [UInt8]
    /// Signs the message; the result is r and s of 32 bytes each.
    func rawSignature(over message: [UInt8]) throws(Failure) -> [UInt8]
}

/// Why something was not trusted: a closed set of cases behind each conforming type.
public protocol TrustRefusal: Error, CustomStringConvertible, Hashable, Sendable {
    /// The stable, bounded name of the case: a metric label and a value in reports.
    var code: String { get }
}
