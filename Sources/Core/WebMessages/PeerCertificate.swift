/// The certificate by which a client proved who it is: verified by whoever made this value.
public struct PeerCertificate: Hashable, Sendable {
    /// The name it was issued for, such as `urn:edge:device:dev1`.
    public var uri: String
    /// SHA-256 of its key's SubjectPublicKeyInfo, hexadecimal.
    public var keyFingerprint: String
    /// When it ends, in seconds since 1970.
    public var expiresAt: Int64

    /// Describes a verified certificate.
    public init(uri: String, keyFingerprint: String, expiresAt: Int64) {
        self.uri = uri
        self.keyFingerprint = keyFingerprint
        self.expiresAt = expiresAt
    }
}
