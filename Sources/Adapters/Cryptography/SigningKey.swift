internal import COpenSSL
public import Fleet
public import ModelTrust

/// A private ECDSA key on the curve P-256 that signs over SHA-256.
///
/// The key is overwritten in memory when its last copy goes. Its text form is not: hold ``pem()``'s result briefly.
public struct SigningKey: MessageSigning, CustomStringConvertible {
    /// The key that checks what this one signs.
    public let publicKey: PublicKey
    let handle: KeyHandle

    /// Makes a new key.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails, for want of entropy above all.
    public static func generate() throws(CryptographyError) -> SigningKey {
        guard let pointer = unsafe copenssl_generate_p256() else {
            throw CryptographyError(draining: "generate a key")
        }
        return try unsafe SigningKey(KeyHandle(adopting: pointer))
    }

    /// Reads a key from PEM text (`BEGIN PRIVATE KEY`, or the older `BEGIN EC PRIVATE KEY`), not encrypted.
    ///
    /// - Throws: ``CryptographyError`` when the text is no key, is encrypted, or the key is not on P-256.
    public init(pem: String) throws(CryptographyError) {
        let handle = try unsafe KeyHandle.read(pem, operation: "read the private key") { source in
            unsafe copenssl_read_private_key(source)
        }
        try self.init(handle)
    }

    private init(_ handle: KeyHandle) throws(CryptographyError) {
        self.handle = handle
        publicKey = try PublicKey(handle)
    }

    /// SHA-256 of the public key's SubjectPublicKeyInfo.
    public var fingerprint: Digest { publicKey.fingerprint }

    /// SHA-256 of the public key's PEM text.
    public var pemDigest: Digest { publicKey.pemDigest }

    /// The public key's fingerprint; never the key.
    public var description: String { "private key of \(fingerprint.hex)" }

    /// The key as PEM text, PKCS #8, not encrypted: the secret itself.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public func pem() throws(CryptographyError) -> String {
        try unsafe handle.pem(secret: true, operation: "write the private key") { sink, key in
            unsafe PEM_write_bio_PKCS8PrivateKey(sink, key, nil, nil, 0, nil, nil)
        }
    }

    /// Signs the message; the result is an ASN.1 DER sequence of r and s.
    public func derSignature(over message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw CryptographyError(draining: "sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, handle.pointer) == 1 else {
            throw CryptographyError(draining: "sign")
        }
        var signature = [UInt8](repeating: 0, count: 72)
        var length = signature.count
        let status = unsafe signature.withUnsafeMutableBufferPointer { output in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestSign(context, output.baseAddress, &length, message.baseAddress, message.count)
            }
        }
        guard status == 1 else { throw CryptographyError(draining: "sign") }
        return Array(signature.prefix(length))
    }

    /// Signs the message; the result is r and s of 32 bytes each.
    public func rawSignature(over message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let raw = ECDSASignatureForm.raw(fromDER: try derSignature(over: message)) else {
            throw CryptographyError(operation: "sign", reason: "libcrypto returned a signature that is not P-256")
        }
        return raw
    }
}
