internal import COpenSSL

/// Random bytes that nobody can foresee, from the operating system's generator through libcrypto.
public enum SecureRandom {
    /// Draws bytes fit for keys and tokens.
    ///
    /// - Throws: ``CryptographyError`` when the operating system gives no entropy.
    public static func bytes(count: Int) throws(CryptographyError) -> [UInt8] {
        precondition(count >= 0 && count <= 1 << 20, "random bytes are drawn for keys and tokens, not for bulk data")
        var bytes = [UInt8](repeating: 0, count: count)
        let status = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe RAND_priv_bytes($0.baseAddress, Int32($0.count))
        }
        guard status == 1 else { throw CryptographyError(draining: "draw random bytes") }
        return bytes
    }
}

/// HMAC with SHA-256: proves that whoever made a text holds the key.
///
/// Source: RFC 2104; test vectors in RFC 4231.
public enum HMACSHA256 {
    /// The 32-byte code of the message under the key.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public static func code(of message: [UInt8], key: [UInt8]) throws(CryptographyError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        // libcrypto takes a null key for "the key of before"; an empty array may have no address.
        let padded = key.isEmpty ? [0] : key
        let result = unsafe code.withUnsafeMutableBufferPointer { output in
            unsafe padded.withUnsafeBytes { key in
                unsafe message.withUnsafeBufferPointer { message in
                    unsafe HMAC(
                        EVP_sha256(), key.baseAddress, Int32(key.count), message.baseAddress, message.count,
                        output.baseAddress, nil)
                }
            }
        }
        guard unsafe result != nil else { throw CryptographyError(draining: "compute an HMAC") }
        return code
    }
}

/// Whether two secrets are equal, in a time that depends on their length alone.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            unsafe left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}

/// Overwrites a secret in a way that the compiler does not leave out.
public func cleanse(_ secret: inout [UInt8]) {
    unsafe secret.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    secret.removeAll()
}
