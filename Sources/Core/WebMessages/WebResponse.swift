/// One HTTP response as a value.
public struct WebResponse: Sendable {
    /// The status code, in 200...599.
    public var status: Int
    /// The header fields in the order they are sent.
    ///
    /// `Content-Length` and `Date` are the server's own.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: WebBody

    /// Makes a response.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: WebBody = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Where a response's bytes come from.
public enum WebBody: Sendable {
    /// Bytes in memory. The server compresses them with gzip when the client accepts it and it pays.
    case bytes([UInt8])
    /// A stretch of a file, sent without passing through the process where the system can (sendfile).
    /// `offset` and `length` are in bytes; the file must stay unchanged until the response is sent.
    case file(path: String, offset: UInt64, length: UInt64)
    /// Chunks pulled one after another until nil; the length is not known beforehand.
    case stream(@Sendable () -> [UInt8]?)
}

/// Where a request's body goes, decided when its headers have arrived.
public enum WebBodyPlan: Sendable {
    /// Collect it in memory, at most so many bytes; a longer body is answered 413 and counted.
    case buffered(limitBytes: Int)
    /// Hand each piece to `receive` as it arrives, at most `limitBytes` in all; `WebRequest.body` stays empty. A thrown
    /// error stops the upload: later pieces are dropped and the handler, called at the end, answers. Called from one
    /// thread at a time.
    case streamed(limitBytes: UInt64, receive: @Sendable ([UInt8]) throws -> Void)
    /// Refuse before any body is read, with this response.
    case refused(WebResponse)
}

/// What a server serves: two questions per request.
public protocol WebHandler: Sendable {
    /// Decides where the body of a request goes, from its headers alone (`request.body` is empty). Must not block.
    func plan(_ request: WebRequest) -> WebBodyPlan

    /// Answers a request. `respond` is called exactly once, now or later and from any thread: a request that is
    /// not answered when this returns is held open (suspended) until `respond` is called. Must not block: whatever
    /// touches a database, a disk or another server moves to a worker first.
    func handle(_ request: WebRequest, respond: @escaping @Sendable (WebResponse) -> Void)
}
