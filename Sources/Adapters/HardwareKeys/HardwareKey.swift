internal import CGnuTLS
public import Cryptography

/// A private key in a token: it signs there and never comes out.
///
/// `@unchecked Sendable`: the handle is used by one thread at a time, under ``PKCS11/lock``.
@safe public final class HardwareKey: @unchecked Sendable {
    /// Where the key lies.
    public let uri: KeyURI
    /// The key that checks what this one signs.
    public let publicKey: PublicKey
    private let handle: gnutls_privkey_t
    private let prompt: PINPrompt

    /// Opens a key.
    ///
    /// - Parameter pin: the token's PIN; nil where it asks for none.
    /// - Throws: ``HardwareKeyError``.
    public init(_ uri: KeyURI, pin: String?) throws(HardwareKeyError) {
        self.uri = uri
        let prompt = PINPrompt(pin)
        let opened = try unsafe PKCS11.used { () throws(HardwareKeyError) in
            try PKCS11.load(uri)
            return try unsafe Self.open(uri, prompt)
        }
        self.prompt = prompt
        unsafe handle = unsafe opened.handle
        publicKey = unsafe opened.publicKey
    }

    deinit { unsafe gnutls_privkey_deinit(handle) }

    /// Makes a key in a token and returns its public half.
    ///
    /// - Throws: ``HardwareKeyError``, ``HardwareKeyError/keyExists(locator:)`` where there is one of this name.
    public static func generate(_ uri: KeyURI, pin: String?) throws(HardwareKeyError) -> PublicKey {
        guard let label = uri.object else { throw .uri(reason: "a new key needs a name; give object=LABEL") }
        do {
            _ = try HardwareKey(uri, pin: pin)
        } catch .keyAbsent {
            let prompt = PINPrompt(pin)
            return try PKCS11.used { () throws(HardwareKeyError) in
                unsafe gnutls_pkcs11_set_pin_function(answerPIN, prompt.pointer)
                defer { gnutls_pkcs11_set_pin_function(nil, nil) }
                var pem = unsafe gnutls_datum_t()
                let status = unsafe cgnutls_generate_p256(uri.locator, label, &pem)
                defer { unsafe cgnutls_free(pem.data) }
                guard status == 0 else { throw prompt.error ?? .failed("make a key", status) }
                return try unsafe PublicKey(exported: pem, uri)
            }
        }
        throw .keyExists(locator: uri.locator)
    }

    /// The key, for whoever signs versions or key sets.
    public var signer: PublisherSigner {
        PublisherSigner(publicKey: publicKey) { (message) throws(CryptographyError) in try self.sign(message) }
    }

    /// The signature over the SHA-256 digest of the message, an ASN.1 DER sequence of r and s.
    private func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        do {
            return try PKCS11.used { () throws(HardwareKeyError) in
                var message = message
                var signature = unsafe gnutls_datum_t()
                let status = unsafe message.withUnsafeMutableBufferPointer { bytes in
                    var text = unsafe gnutls_datum_t(data: bytes.baseAddress, size: UInt32(bytes.count))
                    return unsafe gnutls_privkey_sign_data2(handle, GNUTLS_SIGN_ECDSA_SHA256, 0, &text, &signature)
                }
                defer { unsafe cgnutls_free(signature.data) }
                guard status == 0 else { throw prompt.error ?? .failed("sign with \(uri)", status) }
                return unsafe Array(UnsafeBufferPointer(start: signature.data, count: Int(signature.size)))
            }
        } catch {
            throw CryptographyError(operation: "sign in the token", reason: "\(error)")
        }
    }

    private static func open(
        _ uri: KeyURI, _ prompt: PINPrompt
    ) throws(HardwareKeyError) -> (handle: gnutls_privkey_t, publicKey: PublicKey) {
        var made: gnutls_privkey_t?
        let status = unsafe gnutls_privkey_init(&made)
        guard status == 0, let handle = unsafe made else { throw .failed("prepare a key", status) }
        do throws(HardwareKeyError) {
            unsafe gnutls_privkey_set_pin_function(handle, answerPIN, prompt.pointer)
            let opened = unsafe gnutls_privkey_import_url(handle, uri.locator, 0)
            guard opened == 0 else { throw PKCS11.absence(of: uri, prompt.error, opened) }
            return unsafe (handle, try publicKey(of: handle, uri))
        } catch {
            unsafe gnutls_privkey_deinit(handle)
            throw error
        }
    }

    private static func publicKey(of handle: gnutls_privkey_t, _ uri: KeyURI) throws(HardwareKeyError) -> PublicKey {
        var made: gnutls_pubkey_t?
        let status = unsafe gnutls_pubkey_init(&made)
        guard status == 0, let key = unsafe made else { throw .failed("prepare a public key", status) }
        defer { unsafe gnutls_pubkey_deinit(key) }
        let read = unsafe gnutls_pubkey_import_privkey(key, handle, 0, 0)
        guard read == 0 else {
            throw .unfit(locator: uri.locator, reason: "the token does not tell its public half (GnuTLS \(read))")
        }
        var pem = unsafe gnutls_datum_t()
        let exported = unsafe gnutls_pubkey_export2(key, GNUTLS_X509_FMT_PEM, &pem)
        defer { unsafe cgnutls_free(pem.data) }
        guard exported == 0 else { throw .failed("read the public key of \(uri)", exported) }
        return try unsafe PublicKey(exported: pem, uri)
    }
}

extension PublicKey {
    fileprivate init(exported pem: gnutls_datum_t, _ uri: KeyURI) throws(HardwareKeyError) {
        let bytes = unsafe UnsafeBufferPointer(start: pem.data, count: Int(pem.size))
        do {
            try self.init(pem: unsafe String(decoding: bytes, as: UTF8.self))
        } catch {
            throw .unfit(locator: uri.locator, reason: "it is not an EC key on the curve P-256")
        }
    }
}
