extension MicroHTTPServer {
    /// Where a server listens and which limits it keeps.
    ///
    /// Each limit that is hit is counted by the observer.
    public struct Configuration: Sendable {
        /// The address or name to bind, such as `127.0.0.1`, `::1`, `0.0.0.0`.
        public var host: String
        /// The port, in 0...65535; 0 takes any free port.
        public var port: Int
        /// The number of threads that serve requests, at least 1.
        public var threads: Int = 4
        /// The most connections open at once, lowered to what the process may open as files (see ``OpenFileLimit``).
        public var connectionLimit: Int = 10_000
        /// The most connections open at once from one address, or nil for no such limit.
        public var connectionLimitPerAddress: Int?
        /// The memory of one connection in bytes, which holds the request's and the response's header fields.
        ///
        /// 8 KiB take header fields of about 6 KiB in total, ten times what a device or a scraper sends, and keep
        /// 10,000 held connections at 80 MiB: the library zeroes the whole of it between requests, so that it is all
        /// resident. Larger requests are answered 414 or 431; one whose head leaves less than about 200 bytes, which
        /// the answer's own takes, is closed without one. Behind a proxy that adds large cookies or tokens set 32 KiB.
        public var connectionMemoryBytes: Int = 8 * 1024
        /// The longest request target (path and query) in bytes; a longer one is answered 414.
        public var targetLimitBytes: Int = 4 * 1024
        /// The most bytes read and dropped of a body that is refused, so that the client sees the answer and the
        /// connection lives on; a longer one is answered at once and its connection closed.
        public var drainLimitBytes: UInt64 = 1024 * 1024
        /// The number of connections that wait to be accepted.
        public var acceptBacklog: Int = 1024
        /// The times after which a slow client is cut off.
        public var deadlines = ConnectionDeadlines()
        /// The TLS side; nil for plain HTTP.
        public var tls: ServerTLS?

        /// Makes a configuration with the default limits.
        public init(host: String = "127.0.0.1", port: Int = 0) {
            self.host = host
            self.port = port
        }

        /// The connection limit as far as the process may open files, with a reserve for the files themselves.
        var effectiveConnectionLimit: Int {
            let files = OpenFileLimit.current
            return max(1, min(connectionLimit, files - min(64, files / 4)))
        }
    }
}
