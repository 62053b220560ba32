public import Fleet
public import ModelTrust

/// A publisher's or recovery's private key, wherever it lies: in memory or in a token that never lets go of it.
public struct PublisherSigner: MessageSigning, CustomStringConvertible {
    /// The key that checks what this one signs.
    public let publicKey: PublicKey
    private let sign: @Sendable ([UInt8]) throws(CryptographyError) -> [UInt8]

    /// Signs with a key in memory.
    public init(_ key: SigningKey) {
        self.init(publicKey: key.publicKey) { (message) throws(CryptographyError) in
            try key.derSignature(over: message)
        }
    }

    /// Signs elsewhere; `sign` returns an ASN.1 DER sequence of r and s over the SHA-256 digest of the message.
    public init(
        publicKey: PublicKey, sign: @escaping @Sendable ([UInt8]) throws(CryptographyError) -> [UInt8]
    ) {
        self.publicKey = publicKey
        self.sign = sign
    }

    /// SHA-256 of the public key's SubjectPublicKeyInfo.
    public var fingerprint: Digest { publicKey.fingerprint }

    /// SHA-256 of the public key's PEM text.
    public var pemDigest: Digest { publicKey.pemDigest }

    /// The public key's fingerprint; never the key.
    public var description: String { "private key of \(fingerprint.hex)" }

    /// Signs the message and checks the signature, so that a token that signs otherwise than asked is found out here.
    public func derSignature(over message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let signature = try sign(message)
        guard publicKey.accepts(derSignature: signature, over: message) else {
            throw CryptographyError(operation: "sign", reason: "the signature is not that of key \(fingerprint.short)")
        }
        return signature
    }

    /// Signs the message; the result is r and s of 32 bytes each.
    public func rawSignature(over message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let raw = ECDSASignatureForm.raw(fromDER: try derSignature(over: message)) else {
            throw CryptographyError(operation: "sign", reason: "the signature is not that of a P-256 key")
        }
        return raw
    }
}
