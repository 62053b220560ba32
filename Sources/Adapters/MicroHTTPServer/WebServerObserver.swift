/// Hears what a server did, to count it.
///
/// Called on the server's threads: be quick and do not block.
public protocol WebServerObserver: Sendable {
    /// A request was answered and its connection is done with it.
    func requestFinished(_ request: FinishedRequest)

    /// A request or a connection was refused or cut off by the server itself.
    func requestRejected(_ reason: RejectionReason)
}

/// One answered request, as far as it is counted.
public struct FinishedRequest: Sendable, Equatable {
    /// The method as the client sent it, such as `HEAD`.
    ///
    /// Any text: map it to a bounded set before it becomes a label.
    public var method: String
    /// The status code that was sent, in 200...599.
    public var status: Int
    /// Seconds from the complete header fields to the end of the response, time held open included.
    public var durationSeconds: Double
    /// The bytes of the response's body as handed to the socket, after compression.
    public var bodyBytes: UInt64
    /// Whether the whole response was handed to the socket; false when the client left before.
    public var isComplete: Bool

    /// Makes a record of a request.
    public init(method: String, status: Int, durationSeconds: Double, bodyBytes: UInt64, isComplete: Bool) {
        self.method = method
        self.status = status
        self.durationSeconds = durationSeconds
        self.bodyBytes = bodyBytes
        self.isComplete = isComplete
    }
}

/// Why the server itself refused a request or closed a connection; the raw value is the metric label.
public enum RejectionReason: String, Sendable, CaseIterable {
    /// The header fields were not complete in time; the connection was closed.
    case headersTimeout = "headers_timeout"
    /// The body came slower than the minimum rate; the connection was closed.
    case bodyTooSlow = "body_too_slow"
    /// The body was longer than its plan allows; answered 413, or closed when it would not end.
    case bodyTooLarge = "body_too_large"
    /// Too many connections, in all or from one address; the connection was closed.
    case tooManyConnections = "too_many_connections"
    /// The request is not HTTP, ended before its first line did, or contradicts itself; answered 400 where possible.
    case malformed
    /// There was no TLS handshake: another protocol, version or suite, or a client that refuses the certificate.
    case handshakeFailed = "tls_handshake"
    /// The request target was too long; answered 414.
    case uriTooLong = "uri_too_long"
    /// The header fields did not fit into the connection's memory; answered 431.
    case headersTooLarge = "headers_too_large"
    /// The request was held open too long; answered 503.
    case heldTooLong = "held_too_long"
    /// The server was stopping; answered 503, or refused at accept.
    case stopping
}

/// An observer that counts nothing.
public struct SilentWebServerObserver: WebServerObserver {
    /// Makes the observer.
    public init() {}

    /// Does nothing.
    public func requestFinished(_ request: FinishedRequest) {}

    /// Does nothing.
    public func requestRejected(_ reason: RejectionReason) {}
}
