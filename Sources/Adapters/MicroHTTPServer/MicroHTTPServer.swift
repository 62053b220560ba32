import Synchronization
public import WebMessages

/// An HTTP/1.1 server on libmicrohttpd: sockets, limits and deadlines outside, one ``WebHandler`` inside.
///
/// An epoll thread pool reads requests, asks the handler where each body goes, and sends what it answers: bytes,
/// a stretch of a file, a stream, or an answer given later from another thread while the connection is suspended.
/// Deadlines that libmicrohttpd does not know (total header time, average body rate, time held open) are enforced
/// by a watchdog, because its own timeout counts inactivity only.
///
/// Starting and stopping are idempotent; a stopped server can be started again.
public final class MicroHTTPServer: Sendable {
    private enum State {
        case stopped
        case running(Daemon, Watchdog, port: UInt16)
    }

    let core: ServerCore
    private let state = Mutex<State>(.stopped)

    /// Makes a server that is not listening yet.
    ///
    /// `observer` hears of each finished request and each refusal, on the server's threads: it must be quick.
    public init(
        configuration: Configuration, handler: any WebHandler,
        observer: any WebServerObserver = SilentWebServerObserver()
    ) {
        core = ServerCore(configuration: configuration, handler: handler, observer: observer)
    }

    deinit {
        stop()
    }

    /// The port the server listens on, in 1...65535, or 0 while it is stopped.
    public var port: Int {
        state.withLock { state in
            switch state {
            case .stopped: 0
            case .running(_, _, let port): Int(port)
            }
        }
    }

    /// The number of open connections, idle ones included.
    public var openConnectionCount: Int {
        core.connections.count
    }

    /// The number of requests that wait for a later answer (long polls).
    public var heldRequestCount: Int {
        core.heldRequestCount
    }

    /// Starts listening; does nothing when the server already runs.
    ///
    /// Throws ``MicroHTTPServerError`` when the address cannot be bound (in use, no permission, unknown host) or
    /// the library cannot start its threads.
    public func start() throws(MicroHTTPServerError) {
        var failure: MicroHTTPServerError?
        state.withLock { state in
            guard case .stopped = state else { return }
            do throws(MicroHTTPServerError) {
                let socket = try ListeningSocket.open(
                    host: core.configuration.host, port: core.configuration.port,
                    backlog: core.configuration.acceptBacklog)
                core.isStopping.store(false, ordering: .sequentiallyConsistent)
                let daemon = try Daemon(core: core, socket: socket)
                state = .running(daemon, Watchdog(core: core), port: socket.port)
            } catch {
                failure = error
            }
        }
        if let failure {
            throw failure
        }
    }

    /// Stops the server; does nothing when it is stopped.
    ///
    /// New connections are refused at once, requests held open are answered 503, and requests in flight may finish
    /// for at most `limitSeconds` (in 0...); then every connection is closed. Returns the number of requests that
    /// were cut off, 0 when all finished. A handler that blocks one of the server's threads delays the return.
    @discardableResult
    public func stop(withinSeconds limitSeconds: Int = 5) -> Int {
        let stopped = state.withLock { state in
            let stopped = state
            state = .stopped
            return stopped
        }
        guard case .running(let daemon, let watchdog, _) = stopped else { return 0 }
        let cutOff = core.drain(withinSeconds: limitSeconds)
        daemon.stop()
        watchdog.stop()
        return cutOff
    }
}
