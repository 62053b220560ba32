internal import COpenSSL
public import Fleet
public import ModelTrust

/// A public ECDSA key on the curve P-256 that checks signatures over SHA-256.
public struct PublicKey: PEMKey, Hashable, CustomStringConvertible {
    /// The SubjectPublicKeyInfo, DER: 91 bytes, the point uncompressed.
    public let subjectPublicKeyInfo: [UInt8]
    /// The PEM text, ending with a newline.
    public let pem: String
    /// SHA-256 of ``subjectPublicKeyInfo``: the pinned name of the key.
    public let fingerprint: Digest
    /// SHA-256 of ``pem``: the name of the key in a signature bundle.
    public let pemDigest: Digest
    let handle: KeyHandle

    /// Reads a key from PEM text (`BEGIN PUBLIC KEY`).
    ///
    /// - Throws: ``CryptographyError`` when the text is no key or the key is not on P-256.
    public init(pem: String) throws(CryptographyError) {
        let handle = try unsafe KeyHandle.read(pem, operation: "read the public key") { source in
            unsafe PEM_read_bio_PUBKEY(source, nil, nil, nil)
        }
        try self.init(handle)
    }

    /// Reads a key from its SubjectPublicKeyInfo, DER.
    ///
    /// - Throws: ``CryptographyError`` when the bytes are no key or the key is not on P-256.
    public init(subjectPublicKeyInfo der: [UInt8]) throws(CryptographyError) {
        let text = "-----BEGIN PUBLIC KEY-----\n\(Base64.standard.encode(der))\n-----END PUBLIC KEY-----\n"
        try self.init(pem: text)
    }

    /// Reads key texts and keeps those whose fingerprints are pinned: how a device turns pins into keys.
    ///
    /// - Throws: ``CryptographyError`` when a text is no key.
    public static func pinned(_ pems: [String], to fingerprints: [Digest]) throws(CryptographyError) -> [PublicKey] {
        var keys: [PublicKey] = []
        for pem in pems {
            let key = try PublicKey(pem: pem)
            if fingerprints.contains(key.fingerprint) { keys.append(key) }
        }
        return keys
    }

    /// Reads a key from PEM text; nil when it is none on P-256, for readers of signed documents, who name the place.
    public static func read(pem: String) -> PublicKey? { try? PublicKey(pem: pem) }

    init(_ handle: KeyHandle) throws(CryptographyError) {
        let der = try handle.subjectPublicKeyInfo()
        guard der.starts(with: Self.derPrefix) else {
            throw CryptographyError(operation: "use the public key", reason: "it is not an EC key on the curve P-256")
        }
        self.handle = handle
        subjectPublicKeyInfo = der
        pem = try unsafe handle.pem(secret: false, operation: "write the public key") { sink, key in
            unsafe PEM_write_bio_PUBKEY(sink, key)
        }
        fingerprint = SHA256().digest(of: der)
        pemDigest = SHA256().digest(of: Array(pem.utf8))
    }

    /// The fingerprint.
    public var description: String { fingerprint.hex }

    /// Whether the signature, an ASN.1 DER sequence of r and s, is the key's over the message.
    public func accepts(derSignature: [UInt8], over message: [UInt8]) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            CryptographyError.discardPending()
        }
        guard unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, handle.pointer) == 1 else { return false }
        return unsafe derSignature.withUnsafeBufferPointer { signature in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
            }
        }
    }

    /// Whether the signature, r and s of 32 bytes each, is the key's over the message.
    public func accepts(rawSignature: [UInt8], over message: [UInt8]) -> Bool {
        guard let der = ECDSASignatureForm.der(fromRaw: rawSignature) else { return false }
        return accepts(derSignature: der, over: message)
    }

    /// Equal when the keys are.
    public static func == (left: Self, right: Self) -> Bool { left.fingerprint == right.fingerprint }

    /// Hashes the fingerprint.
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }

    /// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { uncompressed point … (RFC 5480 section 2).
    ///
    /// The length, 91 bytes in all, is part of it.
    private static let derPrefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ]
}
