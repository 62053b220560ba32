internal import WebMessages

/// A request as far as its header fields tell, checked.
struct RequestHead {
    /// The request without its body.
    ///
    /// A HEAD request reads GET: libmicrohttpd leaves the body of its answer out.
    let request: WebRequest
    /// How the body's end is found.
    let framing: BodyFraming
    /// Whether the client waits for `100 Continue` before it sends the body.
    let expectsContinue: Bool

    /// How the end of a body is found (RFC 9112 section 6.3).
    enum BodyFraming: Equatable {
        case none
        case length(UInt64)
        case chunked
    }

    /// The method and version of the request line.
    struct Line {
        let method: String
        let version: String
    }

    /// Why a request is answered 400.
    enum Fault: Error, Equatable {
        case target(RequestTarget.Fault)
        case fieldName
        case missingHost
        case ambiguousLength
        case invalidLength
        case unknownTransferCoding
    }

    /// Checks what libmicrohttpd lets pass: what two parties could read in two ways is refused, because a proxy in
    /// front might read it the other way (request smuggling, RFC 9112 section 11.2).
    init(
        line: Line, target raw: [UInt8], headers: [String: String], peer: String, certificate: PeerCertificate? = nil
    ) throws(Fault) {
        let target: RequestTarget
        do {
            target = try RequestTarget(raw)
        } catch {
            throw .target(error)
        }
        // "Content-Length : 5" is no length to the library, but may be one to a proxy in front of it.
        guard headers.keys.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 } }) else { throw .fieldName }
        guard headers["host"] != nil || line.version != "HTTP/1.1" else { throw .missingHost }
        framing = try Self.framing(headers)
        expectsContinue = headers["expect"]?.lowercased() == "100-continue"
        var request = WebRequest(
            method: line.method == "HEAD" ? "GET" : line.method, path: target.path,
            query: target.query.map { ($0.name, $0.value) }, headers: Self.strongTags(headers), peer: peer)
        request.peerCertificate = certificate
        self.request = request
    }

    private static func framing(_ headers: [String: String]) throws(Fault) -> BodyFraming {
        switch (headers["transfer-encoding"], headers["content-length"]) {
        case (nil, nil):
            return .none
        case (.some, .some):
            throw .ambiguousLength
        case (let coding?, nil):
            guard coding.lowercased() == "chunked" else { throw .unknownTransferCoding }
            return .chunked
        case (nil, let length?):
            guard length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bytes = UInt64(length) else {
                throw .invalidLength
            }
            return bytes == 0 ? .none : .length(bytes)
        }
    }

    /// Undoes what ``PreparedResponse`` does to the tag of a compressed response: handlers see the tag they gave.
    private static func strongTags(_ headers: [String: String]) -> [String: String] {
        var headers = headers
        for name in ["if-none-match", "if-match"] {
            guard let value = headers[name], value.contains("W/") else { continue }
            headers[name] = value.split(separator: "W/\"", omittingEmptySubsequences: false).joined(separator: "\"")
        }
        return headers
    }
}

extension RequestHead.Fault {
    /// What is wrong, as a sentence for the client.
    var detail: String {
        switch self {
        case .target(let fault): fault.detail
        case .fieldName: "The name of a header field must not be empty or contain white space."
        case .missingHost: "An HTTP/1.1 request needs a Host header field."
        case .ambiguousLength: "Content-Length and Transfer-Encoding exclude each other; send one of them."
        case .invalidLength: "Content-Length must be one decimal number."
        case .unknownTransferCoding: "The only transfer coding understood is 'chunked'."
        }
    }
}
