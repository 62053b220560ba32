import Glibc

/// A bound, listening TCP socket: made here rather than by libmicrohttpd so that a failure says why.
struct ListeningSocket {
    /// The file descriptor; whoever takes the socket closes it.
    let descriptor: Int32
    /// The port it is bound to, never 0.
    let port: UInt16

    /// Binds the first address `host` stands for.
    static func open(host: String, port: Int, backlog: Int) throws(MicroHTTPServerError) -> ListeningSocket {
        guard let number = UInt16(exactly: port) else { throw .invalidPort(port) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(number), &hints, &found)
        guard code == 0, let address = unsafe found else {
            throw .unknownHost(host: host, text: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(address) }
        return try unsafe bind(address.pointee, host: host, port: port, backlog: backlog)
    }

    private static func bind(
        _ address: addrinfo, host: String, port: Int, backlog: Int
    ) throws(MicroHTTPServerError) -> ListeningSocket {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(address.ai_family, flags, 0)
        guard descriptor >= 0 else { throw failure("socket", host, port) }
        // Without it a restarted server would wait for connections in TIME_WAIT to pass.
        var yes: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe Glibc.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            let error = failure("bind", host, port)
            close(descriptor)
            throw error
        }
        guard listen(descriptor, Int32(clamping: backlog)) == 0, let bound = boundPort(descriptor) else {
            let error = failure("listen", host, port)
            close(descriptor)
            throw error
        }
        return ListeningSocket(descriptor: descriptor, port: bound)
    }

    /// The error for the current `errno`; called before anything else can change it.
    private static func failure(_ operation: String, _ host: String, _ port: Int) -> MicroHTTPServerError {
        let code = errno
        return switch code {
        case EADDRINUSE: .addressInUse(host: host, port: port)
        case EACCES, EPERM: .permissionDenied(host: host, port: port)
        case EADDRNOTAVAIL: .unknownHost(host: host, text: "not an address of this machine")
        default:
            .socketFailed(
                host: host, port: port, operation: operation, text: unsafe String(cString: strerror(code)))
        }
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(descriptor, address, &length)
            }
        }
        guard code == 0 else { return nil }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            // sockaddr_in and sockaddr_in6 keep the port, in network order, at the same place.
            unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                unsafe UInt16(bigEndian: address.pointee.sin_port)
            }
        }
    }
}
