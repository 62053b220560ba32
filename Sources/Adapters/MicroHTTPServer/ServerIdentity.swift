internal import CGnuTLS

/// A certificate chain with its private key, parsed and found to fit: what a server shows at a handshake.
///
/// `@unchecked Sendable`: nothing changes after init, and GnuTLS lets several sessions read one key and chain at once.
@safe final class ServerIdentity: @unchecked Sendable {
    /// When the first certificate of the chain ends, in seconds since 1970.
    let expiresAt: Int64
    /// The chain, the server's own certificate first; `count` entries.
    let chain: UnsafeMutablePointer<gnutls_pcert_st>
    let count: UInt32
    let key: gnutls_privkey_t

    /// The most certificates of a chain.
    private static let chainLimit: UInt32 = 8

    /// Parses both texts.
    ///
    /// - Throws: ``TLSFault`` where one is not PEM of its kind, or the key belongs to another certificate.
    init(certificate: [UInt8], key keyText: [UInt8]) throws(TLSFault) {
        try Self.requirePair(certificate, keyText)
        expiresAt = try Self.expiry(certificate)
        var key: gnutls_privkey_t?
        guard unsafe gnutls_privkey_init(&key) == GNUTLS_E_SUCCESS, let key = unsafe key else { throw .noMemory }
        let chain = UnsafeMutablePointer<gnutls_pcert_st>.allocate(capacity: Int(Self.chainLimit))
        var count = Self.chainLimit
        let chainCode = unsafe Self.withDatum(certificate) { datum in
            unsafe gnutls_pcert_list_import_x509_raw(chain, &count, &datum, GNUTLS_X509_FMT_PEM, 0)
        }
        guard chainCode == GNUTLS_E_SUCCESS else {
            unsafe gnutls_privkey_deinit(key)
            unsafe chain.deallocate()
            throw .certificateUnreadable(Self.text(chainCode))
        }
        unsafe self.key = unsafe key
        unsafe self.chain = unsafe chain
        self.count = count
        let keyCode = unsafe Self.withDatum(keyText) { datum in
            unsafe gnutls_privkey_import_x509_raw(key, &datum, GNUTLS_X509_FMT_PEM, nil, 0)
        }
        guard keyCode == GNUTLS_E_SUCCESS else { throw .keyUnreadable(Self.text(keyCode)) }
    }

    deinit {
        for index in 0..<Int(count) { unsafe gnutls_pcert_deinit(chain + index) }
        unsafe chain.deallocate()
        unsafe gnutls_privkey_deinit(key)
    }

    /// Lets GnuTLS itself say whether the two belong together.
    private static func requirePair(_ certificate: [UInt8], _ key: [UInt8]) throws(TLSFault) {
        var credentials: gnutls_certificate_credentials_t?
        guard unsafe gnutls_certificate_allocate_credentials(&credentials) == GNUTLS_E_SUCCESS else { throw .noMemory }
        defer { unsafe gnutls_certificate_free_credentials(credentials) }
        let code = unsafe withDatum(certificate) { certificate in
            unsafe withDatum(key) { key in
                unsafe gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard code < 0 else { return }
        if code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH { throw .mismatch }
        // The call does not say which of the two it could not read.
        _ = try expiry(certificate)
        throw .keyUnreadable(text(code))
    }

    private static func expiry(_ certificate: [UInt8]) throws(TLSFault) -> Int64 {
        var parsed: gnutls_x509_crt_t?
        guard unsafe gnutls_x509_crt_init(&parsed) == GNUTLS_E_SUCCESS else { throw .noMemory }
        defer { unsafe gnutls_x509_crt_deinit(parsed) }
        let code = unsafe withDatum(certificate) { datum in
            unsafe gnutls_x509_crt_import(parsed, &datum, GNUTLS_X509_FMT_PEM)
        }
        guard code == GNUTLS_E_SUCCESS else { throw .certificateUnreadable(text(code)) }
        return Int64(unsafe gnutls_x509_crt_get_expiration_time(parsed))
    }

    /// GnuTLS reads the bytes during the call only.
    private static func withDatum(_ bytes: [UInt8], _ body: (inout gnutls_datum_t) -> Int32) -> Int32 {
        var bytes = bytes
        return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var datum = unsafe gnutls_datum_t(data: buffer.baseAddress, size: UInt32(clamping: buffer.count))
            return unsafe body(&datum)
        }
    }

    private static func text(_ code: Int32) -> String {
        unsafe gnutls_strerror(code).map { unsafe String(cString: $0) } ?? "GnuTLS error \(code)"
    }
}

/// Why a certificate and a key cannot be served.
public enum TLSFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The certificate's text is none.
    case certificateUnreadable(String)
    /// The key's text is none, or is encrypted.
    case keyUnreadable(String)
    /// The key belongs to another certificate.
    case mismatch
    /// Memory is short.
    case noMemory

    /// What is wrong and what to do; never a part of the key.
    public var description: String {
        switch self {
        case .certificateUnreadable(let reason):
            "the certificate cannot be read (\(reason)); it must be PEM, the server's own certificate first"
        case .keyUnreadable(let reason):
            "the private key cannot be read (\(reason)); it must be PEM without a passphrase"
        case .mismatch:
            "the private key does not belong to the certificate; give the key that the certificate was issued for"
        case .noMemory:
            "there is no memory for a certificate"
        }
    }
}
