/// Why a server could not start.
public enum MicroHTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The host is not an address or name of this machine.
    case unknownHost(host: String, text: String)
    /// Another process listens on that address.
    case addressInUse(host: String, port: Int)
    /// The process may not bind that port.
    case permissionDenied(host: String, port: Int)
    /// The port is outside 0...65535.
    case invalidPort(Int)
    /// Another system call failed while the socket was made.
    case socketFailed(host: String, port: Int, operation: String, text: String)
    /// libmicrohttpd could not start its threads.
    case threadsFailed(threads: Int)

    /// What was attempted, why it failed, and what to do.
    public var description: String {
        switch self {
        case .unknownHost(let host, let text):
            "cannot listen on \(host): \(text); give an address of this machine, e.g. 127.0.0.1 or 0.0.0.0"
        case .addressInUse(let host, let port):
            "cannot listen on \(host) port \(port): another process does; stop it or choose another port (0 takes any)"
        case .permissionDenied(let host, let port):
            "cannot listen on \(host) port \(port): permission denied; choose a port above 1023"
        case .invalidPort(let port):
            "cannot listen on port \(port): a port is a number in 0...65535"
        case .socketFailed(let host, let port, let operation, let text):
            "cannot listen on \(host) port \(port): \(operation) failed: \(text)"
        case .threadsFailed(let threads):
            "cannot start \(threads) server threads: the system is short of threads, memory or file descriptors"
        }
    }
}
