public import Fleet

/// A token that opens the device's own routes for an hour, for clients that hold no certificate.
public struct DeviceToken: Codable, Hashable, Sendable {
    /// The token: a compact JWS of type `edge-device+jwt`, sent as a bearer credential.
    public var token: String
    /// Until when it holds.
    public var expiresAt: Timestamp

    /// Whether a bearer credential is a signed token: it has points; operator keys and devices' secrets have none.
    public static func isSigned(_ bearer: String) -> Bool { bearer.utf8.contains(UInt8(ascii: ".")) }

    /// Makes a token's description.
    public init(token: String, expiresAt: Timestamp) {
        self.token = token
        self.expiresAt = expiresAt
    }
}
