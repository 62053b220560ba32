internal import WebMessages

extension WebResponse {
    /// An RFC 9457 problem that the server itself answers with; `detail` must need no JSON escapes.
    static func problem(
        _ status: Int, _ title: String, _ detail: String, headers: [(name: String, value: String)] = []
    ) -> WebResponse {
        let body = #"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":"\#(detail)"}"#
        return WebResponse(
            status: status, headers: [("Content-Type", "application/problem+json")] + headers,
            body: .bytes(Array(body.utf8)))
    }

    /// 413 for a body longer than its plan allows (RFC 9110 section 15.5.14).
    static func bodyTooLarge(limitBytes: UInt64) -> WebResponse {
        .problem(413, "Content Too Large", "The request body may have at most \(limitBytes) bytes.")
    }

    /// 503 for a server that is about to stop; another one, or the next, is expected soon.
    static var stopping: WebResponse {
        .problem(
            503, "Service Unavailable", "The server is stopping. Send the request again.",
            headers: [("Retry-After", "5"), ("Connection", "close")])
    }

    /// 503 for a request that was held open longer than the server holds any.
    static var heldTooLong: WebResponse {
        .problem(
            503, "Service Unavailable", "No answer was ready in time. Send the request again.",
            headers: [("Retry-After", "1"), ("Connection", "close")])
    }

    /// 400 for a request that is not HTTP or contradicts itself.
    ///
    /// Its connection is closed.
    static func malformed(_ detail: String) -> WebResponse {
        .problem(400, "Bad Request", detail, headers: [("Connection", "close")])
    }

    /// 414 for a request target longer than the server reads.
    static func targetTooLong(limitBytes: Int) -> WebResponse {
        .problem(
            414, "URI Too Long", "The request target may have at most \(limitBytes) bytes.",
            headers: [("Connection", "close")])
    }
}
