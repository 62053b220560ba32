internal import COpenSSL
import Fleet
public import ModelTrust

/// A public key, on P-256 or Ed25519 or of RSA, that tokens are checked with.
public struct TokenVerificationKey: TokenKey {
    /// What a header's `kid` names it by.
    public let keyID: String
    /// The one algorithm the key is for.
    public let algorithm: TokenAlgorithm
    private let handle: KeyHandle
    /// The length of its signatures, bytes.
    private let signatureBytes: Int

    /// Makes the key that a JSON Web Key describes.
    ///
    /// - Throws: ``CryptographyError`` when the point is not on its curve.
    public init(_ description: TokenKeyDescription) throws(CryptographyError) {
        keyID = description.keyID
        algorithm = description.algorithm
        signatureBytes = description.rsa?.modulus.count ?? 64
        let prefix = description.algorithm == .edDSA ? TokenSigningKey.derPrefix : Self.p256Prefix
        let information = description.rsa.map(Self.subjectPublicKeyInfo) ?? prefix + description.point
        let der = Base64.standard.encode(information)
        handle = try unsafe KeyHandle.read(
            "-----BEGIN PUBLIC KEY-----\n\(der)\n-----END PUBLIC KEY-----\n", operation: "read the token key"
        ) { source in
            unsafe PEM_read_bio_PUBKEY(source, nil, nil, nil)
        }
        guard try handle.subjectPublicKeyInfo() == information else {
            throw CryptographyError(operation: "read the token key", reason: "it is of another kind")
        }
    }

    /// The SubjectPublicKeyInfo of an RSA key, DER (RFC 8017 appendix A.1.1, RFC 3279 section 2.3.1).
    private static func subjectPublicKeyInfo(_ numbers: RSANumbers) -> [UInt8] {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            let count = content.count
            let length: [UInt8] =
                count < 128
                ? [UInt8(count)]
                : count < 256 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
            return [tag] + length + content
        }
        func integer(_ bytes: [UInt8]) -> [UInt8] {
            // A first bit that is set would make it negative.
            element(0x02, (bytes.first ?? 0) & 0x80 == 0 ? bytes : [0] + bytes)
        }
        let key = element(0x30, integer(numbers.modulus) + integer(numbers.exponent))
        let rsaEncryption: [UInt8] = [
            0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        return element(0x30, rsaEncryption + element(0x03, [0] + key))
    }

    /// Whether the signature, of the length that the key makes, is the key's over the message.
    public func accepts(signature: [UInt8], over message: [UInt8]) -> Bool {
        guard signature.count == signatureBytes else { return false }
        let hash = algorithm == .edDSA ? nil : unsafe EVP_sha256()
        guard let encoded = algorithm == .es256 ? ECDSASignatureForm.der(fromRaw: signature) : signature,
            let context = unsafe EVP_MD_CTX_new()
        else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            CryptographyError.discardPending()
        }
        guard unsafe EVP_DigestVerifyInit(context, nil, hash, nil, handle.pointer) == 1 else { return false }
        return unsafe encoded.withUnsafeBufferPointer { signature in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
            }
        }
    }

    /// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { uncompressed point … (RFC 5480 section 2).
    private static let p256Prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ]
}

/// A private Ed25519 key that signs tokens.
public struct TokenSigningKey: CustomStringConvertible, Sendable {
    /// The public half, named by the start of its SHA-256.
    public let description: String
    /// What verifies its tokens.
    public let publicKey: TokenKeyDescription
    private let handle: KeyHandle

    /// Makes a new key.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails, for want of entropy above all.
    public static func generate() throws(CryptographyError) -> TokenSigningKey {
        guard let pointer = unsafe copenssl_generate_ed25519() else {
            throw CryptographyError(draining: "generate a token key")
        }
        return try unsafe TokenSigningKey(KeyHandle(adopting: pointer))
    }

    /// Reads a key from PEM text (PKCS #8), not encrypted.
    ///
    /// - Throws: ``CryptographyError`` when the text is no Ed25519 key.
    public init(pem: String) throws(CryptographyError) {
        try self.init(
            try unsafe KeyHandle.read(pem, operation: "read the token key") { source in
                unsafe copenssl_read_private_key(source)
            })
    }

    private init(_ handle: KeyHandle) throws(CryptographyError) {
        let der = try handle.subjectPublicKeyInfo()
        guard der.starts(with: Self.derPrefix), der.count == Self.derPrefix.count + 32 else {
            throw CryptographyError(operation: "use the token key", reason: "it is not an Ed25519 key")
        }
        self.handle = handle
        let name = String(SHA256().digest(of: der).hex.prefix(16))
        publicKey = TokenKeyDescription(
            keyID: name, algorithm: .edDSA, point: Array(der.dropFirst(Self.derPrefix.count)))
        description = "private token key \(name)"
    }

    /// The key as PEM text, PKCS #8, not encrypted: the secret itself.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public func pem() throws(CryptographyError) -> String {
        try unsafe handle.pem(secret: true, operation: "write the token key") { sink, key in
            unsafe PEM_write_bio_PKCS8PrivateKey(sink, key, nil, nil, 0, nil, nil)
        }
    }

    /// Signs claims as a token of a type.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public func token(_ claims: TokenClaims, type: String) throws(CryptographyError) -> String {
        try SignedToken.sign(
            claims.serialized(), type: type, keyID: publicKey.keyID, algorithm: .edDSA
        ) { message throws(CryptographyError) in try signature(over: message) }
    }

    private func signature(over message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw CryptographyError(draining: "sign a token") }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestSignInit(context, nil, nil, nil, handle.pointer) == 1 else {
            throw CryptographyError(draining: "sign a token")
        }
        var signature = [UInt8](repeating: 0, count: 64)
        var length = signature.count
        let status = unsafe signature.withUnsafeMutableBufferPointer { output in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestSign(context, output.baseAddress, &length, message.baseAddress, message.count)
            }
        }
        guard status == 1, length == 64 else { throw CryptographyError(draining: "sign a token") }
        return signature
    }

    /// SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING … (RFC 8410 section 4).
    static let derPrefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
}
