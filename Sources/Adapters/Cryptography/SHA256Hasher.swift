internal import COpenSSL
public import Fleet
public import ModelTrust

/// SHA-256 of bytes that arrive piece by piece.
@safe public struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    /// Starts an empty message.
    public init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto offers no SHA-256: memory is exhausted or its providers are not installed")
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: Span<UInt8>) {
        let status = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(status == 1, "SHA-256 cannot fail on bytes in memory")
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

    /// Ends the message and returns its digest.
    public consuming func finalize() -> Digest {
        var bytes = [UInt8](repeating: 0, count: 32)
        let status = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil)
        }
        guard status == 1, let digest = Digest(bytes: bytes) else {
            preconditionFailure("SHA-256 cannot fail on bytes in memory")
        }
        return digest
    }
}

/// SHA-256 of bytes that are all there.
public struct SHA256: DigestAlgorithm, Hashable {
    /// Makes the algorithm; it has no state.
    public init() {}

    /// The digest of the bytes.
    public func digest(of bytes: [UInt8]) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
