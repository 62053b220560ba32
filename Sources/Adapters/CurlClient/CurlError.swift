/// Why a request got no response.
///
/// A response with an error status is a response, not an error.
public enum CurlError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was attempted: the method, and the URL without user information, query and fragment.
    public struct Attempt: Sendable, Equatable {
        /// The method, such as `GET`.
        public var operation: String
        /// The URL without anything that may be secret.
        public var url: String
    }

    /// libcurl refuses the request: a malformed URL, another scheme, a header field with a line break.
    case invalidRequest(Attempt, reason: String)
    /// The transfer failed. `code` is libcurl's CURLcode (https://curl.se/libcurl/c/libcurl-errors.html).
    case transferFailed(Attempt, code: Int, text: String)
    /// The response's body is longer than the request allows.
    case responseTooLarge(Attempt, limitBytes: Int)
    /// The file to send could not be read as far as announced.
    case fileUnreadable(Attempt, path: String, text: String)
    /// The cancellation was tripped.
    case cancelled(Attempt)

    /// Whether the same request may succeed later without a change: the network or the server was at fault, not the
    /// request.
    ///
    /// Whether it may be sent twice is for the caller to know.
    public var isRetryable: Bool {
        switch self {
        case .transferFailed(_, let code, _): Self.retryableCodes.contains(code)
        case .invalidRequest, .responseTooLarge, .fileUnreadable, .cancelled: false
        }
    }

    /// Whether nothing of the request can have arrived: no address was found, or no connection stood.
    public var wasUnsent: Bool {
        switch self {
        case .transferFailed(_, let code, _): [5, 6, 7].contains(code)
        case .invalidRequest, .responseTooLarge, .fileUnreadable, .cancelled: false
        }
    }

    /// Whether nobody was heard, or no longer: the network or the server is away.
    ///
    /// A response that ended before its announced length is not among it: its server may be there and wrong.
    public var isWithoutResponse: Bool {
        switch self {
        case .transferFailed(_, let code, _): Self.awayCodes.contains(code)
        case .invalidRequest, .responseTooLarge, .fileUnreadable, .cancelled: false
        }
    }

    /// What was attempted, on what, and why it failed.
    public var description: String {
        switch self {
        case .invalidRequest(let attempt, let reason):
            "\(attempt) was not sent: \(reason)"
        case .transferFailed(let attempt, let code, let text):
            "\(attempt) failed: \(text) (libcurl code \(code))\(Self.remedy(code, isRetryable))"
        case .responseTooLarge(let attempt, let limitBytes):
            "\(attempt) failed: the response is longer than the \(limitBytes) bytes allowed"
        case .fileUnreadable(let attempt, let path, let text):
            "\(attempt) failed: cannot read \(path): \(text)"
        case .cancelled(let attempt):
            "\(attempt) was cancelled"
        }
    }

    /// What to do about it, where it is known.
    private static func remedy(_ code: Int, _ isRetryable: Bool) -> String {
        switch code {
        case 60, 51:
            "; the server's certificate is not trusted: give the authority that issued it by --ca-file, use a host "
                + "name that it was issued for, and compare the clocks if it is called expired or not yet valid"
        case 77: "; the file of --ca-file is missing or holds no certificate in PEM"
        case 58: "; the client certificate or its key cannot be used"
        default: isRetryable ? "; it may succeed later" : ""
        }
    }

    /// Resolve proxy and host, connect, partial file, timeout, TLS handshake, empty reply, send, receive, HTTP/2.
    private static let retryableCodes: Set<Int> = awayCodes.union([18, 92])
    /// Those of them that need no answer: all but a partial file and an error of an HTTP/2 stream.
    private static let awayCodes: Set<Int> = [5, 6, 7, 28, 35, 52, 55, 56]
}

extension CurlError.Attempt: CustomStringConvertible {
    /// Method and URL, such as `GET http://controller:8080/v1/devices`.
    public var description: String {
        "\(operation) \(url)"
    }

    /// The attempt a request is; drops what may be secret from its URL.
    init(_ request: CurlRequest) {
        operation = request.method
        let visible = request.url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = visible.range(of: "://") else {
            url = String(visible.split(separator: "@").last ?? "")
            return
        }
        let rest = visible[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        url = String(visible[..<scheme.upperBound] + host + rest[authority.endIndex...])
    }
}

extension Substring {
    /// The first place `text` occurs at; the standard library has no such search for strings of one line.
    fileprivate func range(of text: String) -> Range<Index>? {
        ranges(of: text).first
    }
}
