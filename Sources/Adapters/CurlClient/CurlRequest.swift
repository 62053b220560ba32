/// One HTTP request to send.
public struct CurlRequest: Sendable {
    /// The method, upper case, such as `GET`.
    public var method: String
    /// The absolute URL; its scheme must be `http` or `https`.
    public var url: String
    /// The header fields in the order they are sent.
    ///
    /// `Content-Length` and `Host` are libcurl's own.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: CurlBody
    /// Seconds from the start to the last byte, or nil for no limit in all (long downloads).
    public var timeoutSeconds: Double? = 30
    /// Seconds until the connection stands, TLS included.
    public var connectTimeoutSeconds: Double = 10
    /// The rate in bytes per second below which a transfer is given up after ``lowSpeedSeconds``, or nil for none.
    ///
    /// A held-open request moves no bytes: leave it nil for a long poll.
    public var lowSpeedLimitBytesPerSecond: Int?
    /// Seconds a transfer may stay below the rate, at least 1.
    public var lowSpeedSeconds: Int = 30
    /// No faster than this on average, or nil for no limit.
    public var highestBytesPerSecond: Int?
    /// The most bytes of a response body ``CurlClient/send(_:cancellation:)`` takes, after decompression.
    public var maxResponseBytes: Int = 16 * 1024 * 1024
    /// Whether a redirect is followed, at most 5 times and to `http` and `https` only.
    public var followRedirects: Bool = false
    /// How a server is verified and a client shown over `https`.
    public var tls = CurlTLS()

    /// Makes a request with the default limits.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: CurlBody = .none
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// Where a request's body comes from.
public enum CurlBody: Sendable {
    /// No body at all.
    case none
    /// Bytes in memory; none of them means a body of length 0.
    case bytes([UInt8])
    /// A stretch of a file, read while it is sent. `offset` and `length` are in bytes.
    case file(path: String, offset: UInt64, length: UInt64)
}

/// The files TLS works with, all in PEM; nil means libcurl's default.
public struct CurlTLS: Sendable, Equatable {
    /// The certificate authorities a server's certificate must lead to, instead of the system's.
    public var caFile: String?
    /// The certificate this client shows.
    public var clientCertificateFile: String?
    /// The private key of that certificate, without a passphrase.
    public var clientKeyFile: String?
    /// Whether the server has to prove who it is; false only for fetching what is checked by other means, and never
    /// with a credential.
    public var verifiesServer = true

    /// Makes a choice of files.
    public init(caFile: String? = nil, clientCertificateFile: String? = nil, clientKeyFile: String? = nil) {
        self.caFile = caFile
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyFile = clientKeyFile
    }
}
