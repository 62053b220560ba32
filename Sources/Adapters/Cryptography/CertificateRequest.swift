internal import COpenSSL

/// A certificate request (PKCS #10, RFC 2986): a public key, with the proof that the sender has its private half.
public struct CertificateRequest: Sendable {
    /// The key to certify.
    public let publicKey: PublicKey

    /// Reads a request from PEM text and checks its signature.
    ///
    /// What it asks for besides the key is not read: names come from whoever issues.
    ///
    /// - Throws: ``CryptographyError`` when it is no request, its signature is not by its key, or the key is
    ///   not on P-256.
    public init(pem: String) throws(CryptographyError) {
        let operation = "read the certificate request"
        let request = try unsafe PEMText.read(pem, operation: operation) { unsafe copenssl_read_request($0) }
        defer { unsafe X509_REQ_free(request) }
        guard let pointer = unsafe X509_REQ_get_pubkey(request) else { throw CryptographyError(draining: operation) }
        let handle = unsafe KeyHandle(adopting: pointer)
        publicKey = try PublicKey(handle)
        guard unsafe X509_REQ_verify(request, handle.pointer) == 1 else {
            CryptographyError.discardPending()
            throw CryptographyError(operation: operation, reason: "its signature is not by the key it names")
        }
    }

    /// The PEM text of a request for that key.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public static func pem(for key: SigningKey) throws(CryptographyError) -> String {
        let operation = "make a certificate request"
        guard let request = unsafe X509_REQ_new() else { throw CryptographyError(draining: operation) }
        defer { unsafe X509_REQ_free(request) }
        guard unsafe X509_REQ_set_version(request, 0) == 1,
            unsafe X509_REQ_set_pubkey(request, key.handle.pointer) == 1,
            unsafe X509_REQ_sign(request, key.handle.pointer, EVP_sha256()) > 0
        else { throw CryptographyError(draining: operation) }
        return try unsafe PEMText.write(operation: operation) { unsafe PEM_write_bio_X509_REQ($0, request) }
    }
}
