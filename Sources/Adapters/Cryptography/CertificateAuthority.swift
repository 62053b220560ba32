internal import COpenSSL
public import Fleet
internal import Glibc

/// A private certificate authority on P-256 that issues certificates for the controller's servers and for devices.
public struct CertificateAuthority: Sendable {
    /// The authority's own certificate: what others trust.
    public let certificate: Certificate
    private let key: SigningKey

    /// What a certificate is issued for.
    public enum Purpose: Hashable, Sendable {
        /// A server, known by host names and numeric addresses.
        case server(hosts: [String])
        /// A device, known as `urn:edge:device:<id>`.
        case device(DeviceID)
    }

    /// Takes an authority up again.
    ///
    /// - Throws: ``CryptographyError`` when the key is not the certificate's, or it may not issue.
    public init(certificate: Certificate, key: SigningKey) throws(CryptographyError) {
        guard certificate.keyFingerprint == key.fingerprint, certificate.isAuthority else {
            throw CryptographyError(
                operation: "use the certificate authority",
                reason: "its key belongs to another certificate, or the certificate may not issue others")
        }
        self.certificate = certificate
        self.key = key
    }

    /// Makes a new authority with a new key.
    ///
    /// It begins an hour early, for clocks that are late.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public static func make(
        name: String, from start: Timestamp, days: Int
    ) throws(CryptographyError) -> (authority: CertificateAuthority, key: SigningKey) {
        let key = try SigningKey.generate()
        let draft = try CertificateDraft(
            key: key.publicKey, name: name, from: start.adding(seconds: -3600), days: days)
        try draft.issue(authority: nil)
        try draft.extend([
            (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
            (NID_subject_key_identifier, "hash"),
        ])
        let certificate = try draft.signed(by: key)
        return (try CertificateAuthority(certificate: certificate, key: key), key)
    }

    /// Issues a certificate for somebody's key.
    ///
    /// It begins an hour early, for clocks that are late.
    ///
    /// - Throws: ``CryptographyError`` when a name cannot stand in a certificate, or libcrypto fails.
    public func issue(
        for purpose: Purpose, key subject: PublicKey, from start: Timestamp, days: Int
    ) throws(CryptographyError) -> Certificate {
        let names = try purpose.alternativeNames()
        let draft = try CertificateDraft(
            key: subject, name: purpose.commonName, from: start.adding(seconds: -3600), days: days)
        try draft.issue(authority: certificate)
        try draft.extend(
            [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, purpose.extendedUsage), (NID_subject_alt_name, names),
                (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid"),
            ], authority: certificate)
        return try draft.signed(by: key)
    }

    /// The device a certificate was issued to by this authority; nil where another issued it, it is no device's, or
    /// it does not hold at that time.
    public func device(of certificate: Certificate, at now: Timestamp) -> DeviceID? {
        var reason: Int32 = 0
        let holds = unsafe copenssl_verify(
            certificate.pointer, self.certificate.pointer, X509_PURPOSE_SSL_CLIENT, Int(now.milliseconds / 1000),
            &reason)
        CryptographyError.discardPending()
        return holds == 1 ? certificate.uri.flatMap { DeviceID(uri: $0) } : nil
    }
}

extension CertificateAuthority.Purpose {
    /// What the subject is called; names that count are the alternative ones.
    fileprivate var commonName: String {
        switch self {
        case .server: "edge-controller"
        case .device: "edge device"
        }
    }

    fileprivate var extendedUsage: String {
        switch self {
        case .server: "serverAuth"
        case .device: "clientAuth"
        }
    }

    /// The subjectAltName in OpenSSL's text form (x509v3_config(5)), whose commas and colons no name may hold.
    fileprivate func alternativeNames() throws(CryptographyError) -> String {
        switch self {
        case .device(let id):
            _ = try Self.checked(id.rawValue)
            return "URI:" + id.uri
        case .server(let hosts):
            guard !hosts.isEmpty, hosts.count <= 100 else {
                throw CryptographyError(operation: "issue a certificate", reason: "it needs 1 to 100 host names")
            }
            var names: [String] = []
            for host in hosts {
                names.append(Self.isAddress(host) ? "IP:\(host)" : "DNS:\(try Self.checked(host))")
            }
            return names.joined(separator: ",")
        }
    }

    private static func checked(_ name: String) throws(CryptographyError) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, !name.isEmpty, name.utf8.count <= 253 else {
            throw CryptographyError(
                operation: "issue a certificate for \(name)",
                reason: "a name has 1 to 253 letters, digits, dots, dashes and underscores")
        }
        return name
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return unsafe inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }
}

/// A certificate that is being filled in.
@safe private final class CertificateDraft {
    private let pointer: OpaquePointer
    private static let operation = "issue a certificate"

    init(key: PublicKey, name: String, from start: Timestamp, days: Int) throws(CryptographyError) {
        guard let made = unsafe X509_new() else { throw CryptographyError(draining: Self.operation) }
        unsafe pointer = unsafe made
        // 127 random bits: unique, and positive with a first byte that is not zero (RFC 5280 section 4.1.2.2).
        var serial = try SecureRandom.bytes(count: 16)
        serial[0] = serial[0] & 0x7F | 0x40
        let from = Int(start.milliseconds / 1000)
        let subject = unsafe X509_get_subject_name(pointer)
        guard unsafe X509_set_version(pointer, 2) == 1,
            unsafe ASN1_STRING_set(X509_get_serialNumber(pointer), serial, Int32(serial.count)) == 1,
            unsafe ASN1_TIME_set(X509_getm_notBefore(pointer), from) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(pointer), from + days * 86_400) != nil,
            unsafe X509_NAME_add_entry_by_NID(
                subject, NID_commonName, MBSTRING_UTF8, Array(name.utf8), Int32(name.utf8.count), -1, 0) == 1,
            unsafe X509_set_pubkey(pointer, key.handle.pointer) == 1
        else { throw CryptographyError(draining: Self.operation) }
    }

    deinit { unsafe X509_free(pointer) }

    /// Names the issuer: the authority, or nil for the certificate itself.
    func issue(authority: Certificate?) throws(CryptographyError) {
        let issuer = unsafe X509_get_subject_name(authority?.pointer ?? pointer)
        guard unsafe X509_set_issuer_name(pointer, issuer) == 1 else {
            throw CryptographyError(draining: Self.operation)
        }
    }

    func extend(_ extensions: [(Int32, String)], authority: Certificate? = nil) throws(CryptographyError) {
        for (identifier, value) in extensions {
            guard unsafe copenssl_add_extension(pointer, authority?.pointer ?? pointer, identifier, value) == 1 else {
                throw CryptographyError(draining: Self.operation)
            }
        }
    }

    func signed(by key: SigningKey) throws(CryptographyError) -> Certificate {
        guard unsafe X509_sign(pointer, key.handle.pointer, EVP_sha256()) > 0 else {
            throw CryptographyError(draining: Self.operation)
        }
        unsafe X509_up_ref(pointer)
        return try unsafe Certificate(adopting: pointer)
    }
}
