internal import CGnuTLS
internal import CMicroHTTPD
import Synchronization
public import WebMessages

/// The TLS side of servers: which certificate is shown, and whose client certificates are asked for.
///
/// TLS 1.3, and TLS 1.2 with ephemeral elliptic-curve keys and authenticated encryption; nothing older. One value may
/// serve several listeners. A new certificate is shown from the next handshake on; open connections keep theirs.
public final class ServerTLS: Sendable {
    /// Says who a client is, by the certificate (DER) whose key it proved to have; nil for nobody.
    ///
    /// Asked once per connection, on a thread of the server: be quick and do not block.
    public typealias ClientCheck = @Sendable (_ certificate: [UInt8]) -> PeerCertificate?

    private let identity: Mutex<ServerIdentity>
    /// PEM of the authorities whose client certificates are asked for; nil to ask for none.
    let clientAuthorities: String?
    let clientCheck: ClientCheck?

    /// Makes the TLS side from PEM texts: the chain, the server's own certificate first, and its key.
    ///
    /// With `clientAuthorities` a client is asked for a certificate of theirs, which it may leave out.
    ///
    /// - Throws: ``TLSFault``.
    public init(
        certificate: [UInt8], key: [UInt8], clientAuthorities: String? = nil, clientCheck: ClientCheck? = nil
    ) throws(TLSFault) {
        identity = Mutex(try ServerIdentity(certificate: certificate, key: key))
        self.clientAuthorities = clientAuthorities
        self.clientCheck = clientCheck
    }

    /// Whether libmicrohttpd was built with TLS here.
    public static var isSupported: Bool {
        MHD_is_feature_supported(.FEATURE_TLS) == .YES
            && MHD_is_feature_supported(.FEATURE_HTTPS_CERT_CALLBACK2) == .YES
    }

    /// Shows another certificate from the next handshake on; on an error the one before stays.
    ///
    /// - Throws: ``TLSFault``.
    public func replace(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
        let fresh = try ServerIdentity(certificate: certificate, key: key)
        identity.withLock { $0 = fresh }
    }

    /// When the certificate shown now ends, in seconds since 1970.
    public var certificateExpiresAt: Int64 { current.expiresAt }

    /// What is shown now.
    var current: ServerIdentity { identity.withLock { $0 } }

    /// TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticated encryption (RFC 9325 section 4.2).
    static let priorities = [
        "NONE", "+VERS-TLS1.3", "+VERS-TLS1.2", "+AES-256-GCM", "+CHACHA20-POLY1305", "+AES-128-GCM", "+AEAD",
        "+ECDHE-ECDSA", "+ECDHE-RSA", "+GROUP-X25519", "+GROUP-SECP256R1", "+GROUP-SECP384R1",
        "+SIGN-ECDSA-SHA256", "+SIGN-ECDSA-SHA384", "+SIGN-ECDSA-SHA512", "+SIGN-ECDSA-SECP256R1-SHA256",
        "+SIGN-ECDSA-SECP384R1-SHA384", "+SIGN-EDDSA-ED25519", "+SIGN-RSA-PSS-RSAE-SHA256",
        "+SIGN-RSA-PSS-RSAE-SHA384", "+SIGN-RSA-PSS-RSAE-SHA512", "+SIGN-RSA-SHA256", "+SIGN-RSA-SHA384",
        "+SIGN-RSA-SHA512", "+COMP-NULL", "+CTYPE-SRV-X509", "+CTYPE-CLI-X509", "%SERVER_PRECEDENCE",
    ].joined(separator: ":")
}

/// GnuTLS asks which certificate to show (`gnutls_certificate_retrieve_function3`).
///
/// The session's pointer is the connection (libmicrohttpd sets it when it makes the session). What is shown stays alive
/// with the connection's record, so that GnuTLS is told to free nothing (no `GNUTLS_CERT_RETR_DEINIT_ALL`).
func certificateWanted(
    session: gnutls_session_t?, info: UnsafePointer<gnutls_cert_retr_st>?,
    chain: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?, count: UnsafeMutablePointer<UInt32>?,
    staples: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_ocsp_data_st>?>?,
    stapleCount: UnsafeMutablePointer<UInt32>?, key: UnsafeMutablePointer<gnutls_privkey_t?>?,
    flags: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    guard let session = unsafe session, let pointer = unsafe gnutls_session_get_ptr(session), let chain = unsafe chain,
        let count = unsafe count, let key = unsafe key,
        let identity = unsafe ConnectionHandle(OpaquePointer(pointer)).record?.identityShown()
    else { return GNUTLS_E_INTERNAL_ERROR }
    unsafe chain.pointee = unsafe identity.chain
    unsafe count.pointee = identity.count
    unsafe key.pointee = unsafe identity.key
    unsafe staples?.pointee = nil
    unsafe stapleCount?.pointee = 0
    unsafe flags?.pointee = 0
    return GNUTLS_E_SUCCESS
}

/// GnuTLS has sent or read a last message of a handshake (`gnutls_handshake_hook_func`); no handshake ends without the
/// client's.
func handshakeProgressed(
    session: gnutls_session_t?, message: UInt32, when: UInt32, isIncoming: UInt32,
    bytes: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    if isIncoming != 0, let session = unsafe session, let pointer = unsafe gnutls_session_get_ptr(session) {
        unsafe ConnectionHandle(OpaquePointer(pointer)).record?.handshakeDone()
    }
    return GNUTLS_E_SUCCESS
}
