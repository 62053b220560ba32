/// The status and header fields of a response.
public struct CurlResponseHead: Sendable, Equatable {
    /// The status code, in 200...599.
    public var status: Int
    /// The header fields; names are lower case.
    ///
    /// A repeated field keeps its values joined by `, `.
    public var headers: [String: String]

    /// Makes a head; tests of callers need no server.
    public init(status: Int, headers: [String: String] = [:]) {
        self.status = status
        self.headers = headers
    }
}

/// A whole response.
public struct CurlResponse: Sendable, Equatable {
    /// The status code, in 200...599.
    public var status: Int
    /// The header fields; names are lower case.
    ///
    /// A repeated field keeps its values joined by `, `.
    public var headers: [String: String]
    /// The body, decompressed.
    public var body: [UInt8]

    /// Makes a response; tests of callers need no server.
    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The header field of that name; the name's case does not matter.
    public func header(_ name: String) -> String? {
        headers[name.lowercased()]
    }
}
