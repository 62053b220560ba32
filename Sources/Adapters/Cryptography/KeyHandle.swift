internal import COpenSSL

/// Owns one EVP_PKEY and frees it; libcrypto overwrites a private key when it frees it.
///
/// `@unchecked Sendable`: the key is never changed after it was made, and libcrypto allows concurrent use of such a
/// key.
@safe final class KeyHandle: @unchecked Sendable {
    /// The key; valid as long as this object lives.
    let pointer: OpaquePointer

    /// Takes over the caller's reference.
    init(adopting pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// The key's SubjectPublicKeyInfo, DER.
    func subjectPublicKeyInfo() throws(CryptographyError) -> [UInt8] {
        let length = unsafe i2d_PUBKEY(pointer, nil)
        guard length > 0 else { throw CryptographyError(draining: "encode the public key") }
        var der = [UInt8](repeating: 0, count: Int(length))
        let written = unsafe der.withUnsafeMutableBufferPointer {
            var position = $0.baseAddress
            return unsafe i2d_PUBKEY(pointer, &position)
        }
        guard written == length else { throw CryptographyError(draining: "encode the public key") }
        return der
    }

    /// The key's PEM text, as one of libcrypto's writers makes it.
    func pem(
        secret: Bool, operation: String, _ write: (OpaquePointer, OpaquePointer) -> Int32
    ) throws(CryptographyError) -> String {
        guard let sink = unsafe BIO_new(secret ? BIO_s_secmem() : BIO_s_mem()) else {
            throw CryptographyError(draining: operation)
        }
        defer { unsafe BIO_free_all(sink) }
        guard unsafe write(sink, pointer) == 1 else { throw CryptographyError(draining: operation) }
        var contents: UnsafeMutablePointer<CChar>?
        let length = unsafe copenssl_memory_contents(sink, &contents)
        guard length > 0, let start = unsafe contents else { throw CryptographyError(draining: operation) }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }

    /// Reads a key from text with one of libcrypto's readers; the text is not kept.
    static func read(
        _ text: String, operation: String, _ read: (OpaquePointer) -> OpaquePointer?
    ) throws(CryptographyError) -> KeyHandle {
        var bytes = Array(text.utf8)
        defer { cleanse(&bytes) }
        guard !bytes.isEmpty, bytes.count <= 1 << 16 else {
            throw CryptographyError(operation: operation, reason: "the text is empty or longer than 64 KiB")
        }
        let key = unsafe bytes.withUnsafeBytes { (buffer) -> OpaquePointer? in
            guard let source = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { unsafe BIO_free_all(source) }
            return unsafe read(source)
        }
        guard let key = unsafe key else { throw CryptographyError(draining: operation) }
        return unsafe KeyHandle(adopting: key)
    }
}
