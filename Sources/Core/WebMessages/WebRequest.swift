/// One HTTP request as a value: what a handler needs to know, and nothing of the server that received it.
public struct WebRequest: Sendable {
    /// The method, upper case, such as `GET`.
    public var method: String
    /// The percent-decoded path without the query, such as `/v1/devices`.
    ///
    /// Always starts with `/`.
    public var path: String
    /// The query parameters in their order of appearance, percent-decoded.
    public var query: [(name: String, value: String)]
    /// The header fields; names are lower case.
    ///
    /// A repeated field keeps its values joined by `, `.
    public var headers: [String: String]
    /// The whole body.
    ///
    /// Empty for a request whose body was streamed (see ``WebBodyPlan``).
    public var body: [UInt8]
    /// The peer's address as text, such as `127.0.0.1`.
    public var peer: String
    /// The certificate by which the peer proved who it is; nil without one.
    public var peerCertificate: PeerCertificate?

    /// Makes a request; tests call handlers with it directly, without a socket.
    public init(
        method: String, path: String, query: [(name: String, value: String)] = [], headers: [String: String] = [:],
        body: [UInt8] = [], peer: String = "127.0.0.1"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The first query parameter of that name, or nil.
    public func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The header field of that name; the name's case does not matter.
    public func header(_ name: String) -> String? {
        headers[name.lowercased()]
    }
}
