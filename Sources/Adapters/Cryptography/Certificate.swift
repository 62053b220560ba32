internal import COpenSSL
public import Fleet
internal import Glibc

/// An X.509 certificate.
///
/// `@unchecked Sendable`: it is never changed after it was made, and libcrypto allows concurrent reading.
@safe public final class Certificate: @unchecked Sendable {
    let pointer: OpaquePointer
    /// SHA-256 of the SubjectPublicKeyInfo of the certificate's key: by it an authority is pinned.
    public let keyFingerprint: Digest

    /// Takes over the caller's reference.
    init(adopting pointer: OpaquePointer) throws(CryptographyError) {
        do throws(CryptographyError) {
            guard let key = unsafe X509_get_pubkey(pointer) else {
                throw CryptographyError(draining: "read the key of a certificate")
            }
            let handle = unsafe KeyHandle(adopting: key)
            keyFingerprint = SHA256().digest(of: try handle.subjectPublicKeyInfo())
        } catch {
            unsafe X509_free(pointer)
            throw error
        }
        unsafe self.pointer = unsafe pointer
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// - Throws: ``CryptographyError`` when there is none.
    public convenience init(pem: String) throws(CryptographyError) {
        let pointer = try unsafe PEMText.read(pem, operation: "read the certificate") { source in
            unsafe copenssl_read_certificate(source)
        }
        try unsafe self.init(adopting: pointer)
    }

    /// Reads every certificate of a PEM text, in their order.
    ///
    /// - Throws: ``CryptographyError`` when one cannot be read.
    public static func all(inPEM text: String) throws(CryptographyError) -> [Certificate] {
        let begin = "-----BEGIN CERTIFICATE-----"
        var found: [Certificate] = []
        for piece in text.split(separator: begin, omittingEmptySubsequences: false).dropFirst() {
            found.append(try Certificate(pem: begin + piece))
        }
        return found
    }

    /// Reads a certificate from DER.
    ///
    /// - Throws: ``CryptographyError`` when the bytes are none.
    public convenience init(der: [UInt8]) throws(CryptographyError) {
        let pointer = unsafe der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return unsafe d2i_X509(nil, &position, buffer.count)
        }
        guard let pointer = unsafe pointer else { throw CryptographyError(draining: "read the certificate") }
        try unsafe self.init(adopting: pointer)
    }

    deinit { unsafe X509_free(pointer) }

    /// The PEM text, ending with a newline.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public func pem() throws(CryptographyError) -> String {
        try unsafe PEMText.write(operation: "write the certificate") { sink in
            unsafe PEM_write_bio_X509(sink, pointer)
        }
    }

    /// The DER form.
    ///
    /// - Throws: ``CryptographyError`` when libcrypto fails.
    public func der() throws(CryptographyError) -> [UInt8] {
        let length = unsafe i2d_X509(pointer, nil)
        guard length > 0 else { throw CryptographyError(draining: "encode a certificate") }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var position = buffer.baseAddress
            return unsafe i2d_X509(pointer, &position)
        }
        guard written == length else { throw CryptographyError(draining: "encode a certificate") }
        return bytes
    }

    /// Whether it may issue others.
    public var isAuthority: Bool { unsafe X509_check_ca(pointer) == 1 }

    /// The one URI it was issued for; nil where there is none, or more.
    public var uri: String? {
        let uris = alternativeNames.filter { $0.type == GEN_URI }
        return uris.count == 1 ? String(validating: uris[0].bytes, as: UTF8.self) : nil
    }

    /// The host names and numeric addresses it was issued for, in their order.
    public var hosts: [String] {
        alternativeNames.compactMap { name in
            switch name.type {
            case GEN_DNS: String(validating: name.bytes, as: UTF8.self)
            case GEN_IPADD: Self.addressText(name.bytes)
            default: nil
            }
        }
    }

    private var alternativeNames: [(type: Int32, bytes: [UInt8])] {
        var names: [(type: Int32, bytes: [UInt8])] = []
        while names.count < 1000 {
            var bytes = [UInt8](repeating: 0, count: 1024)
            var type: Int32 = -1
            let length = unsafe copenssl_alternative_name(
                pointer, Int32(names.count), &type, &bytes, Int32(bytes.count))
            guard length >= 0 else { break }
            names.append((type, Array(bytes.prefix(Int(length)))))
        }
        return names
    }

    private static func addressText(_ bytes: [UInt8]) -> String? {
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// When it begins to hold.
    public var startsAt: Timestamp { unsafe Self.time(X509_get0_notBefore(pointer)) }

    /// When it ends.
    public var expiresAt: Timestamp { unsafe Self.time(X509_get0_notAfter(pointer)) }

    /// Whether it was issued for that host name or address.
    public func isFor(host: String) -> Bool {
        unsafe X509_check_host(pointer, host, 0, 0, nil) == 1 || X509_check_ip_asc(pointer, host, 0) == 1
    }

    private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return Timestamp(milliseconds: 0) }
        return unsafe Timestamp(milliseconds: Int64(timegm(&parts)) * 1000)
    }
}

/// PEM texts through libcrypto's memory buffers.
enum PEMText {
    /// Reads something with one of libcrypto's readers.
    static func read(
        _ text: String, operation: String, _ read: (OpaquePointer) -> OpaquePointer?
    ) throws(CryptographyError) -> OpaquePointer {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 1 << 20 else {
            throw CryptographyError(operation: operation, reason: "the text is empty or longer than 1 MiB")
        }
        let found = unsafe bytes.withUnsafeBytes { (buffer) -> OpaquePointer? in
            guard let source = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { unsafe BIO_free_all(source) }
            return unsafe read(source)
        }
        guard let found = unsafe found else { throw CryptographyError(draining: operation) }
        return unsafe found
    }

    /// The text one of libcrypto's writers makes.
    static func write(operation: String, _ write: (OpaquePointer) -> Int32) throws(CryptographyError) -> String {
        guard let sink = unsafe BIO_new(BIO_s_mem()) else { throw CryptographyError(draining: operation) }
        defer { unsafe BIO_free_all(sink) }
        guard unsafe write(sink) == 1 else { throw CryptographyError(draining: operation) }
        var contents: UnsafeMutablePointer<CChar>?
        let length = unsafe copenssl_memory_contents(sink, &contents)
        guard length > 0, let start = unsafe contents else { throw CryptographyError(draining: operation) }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
}
