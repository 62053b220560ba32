internal import CMicroHTTPD
import Glibc
internal import WebMessages

/// libmicrohttpd's threads and sockets: started by init, ended by `stop`.
///
/// `@unchecked Sendable`: the pointers never change, and `stop` is called once, by the owner that took the daemon out
/// of its state.
@safe final class Daemon: @unchecked Sendable {
    private let handle: OpaquePointer
    /// The core, retained for the callbacks by init and released by `stop` after the last of them.
    private let core: Unmanaged<ServerCore>

    /// Starts the threads; takes the socket over in any case.
    init(core: ServerCore, socket: ListeningSocket) throws(MicroHTTPServerError) {
        let configuration = core.configuration
        let threads = max(1, configuration.threads)
        let retained = unsafe Unmanaged.passRetained(core)
        var setup = unsafe edgeorch_mhd_setup()
        unsafe setup.listen_socket = socket.descriptor
        unsafe setup.threads = UInt32(threads)
        // The library divides its limit among the threads, which share connections unevenly: the limit proper is
        // kept by `decideAccept`, this one only must not come before it.
        unsafe setup.connection_limit = UInt32(clamping: configuration.effectiveConnectionLimit * threads)
        unsafe setup.idle_timeout_seconds = UInt32(clamping: max(1, configuration.deadlines.idleSeconds))
        unsafe setup.connection_memory_bytes = configuration.connectionMemoryBytes
        unsafe setup.context = retained.toOpaque()
        unsafe setup.accept_policy = decideAccept
        unsafe setup.request_progressed = requestProgressed
        unsafe setup.connection_changed = connectionChanged
        unsafe setup.request_completed = requestCompleted
        unsafe setup.request_line_received = requestLineReceived
        unsafe setup.unescape = keepEscapes
        guard let started = unsafe Self.start(&setup, tls: configuration.tls) else {
            unsafe retained.release()
            close(socket.descriptor)
            throw .threadsFailed(threads: threads)
        }
        unsafe handle = unsafe started
        unsafe self.core = unsafe retained
    }

    private static func start(_ setup: inout edgeorch_mhd_setup, tls: ServerTLS?) -> OpaquePointer? {
        guard let tls else { return unsafe edgeorch_mhd_start(&setup) }
        // The library has read both texts when it returns.
        return unsafe ServerTLS.priorities.withCString { priorities in
            unsafe setup.tls_priorities = unsafe priorities
            unsafe setup.certificate_wanted = certificateWanted
            guard let authorities = tls.clientAuthorities else { return unsafe edgeorch_mhd_start(&setup) }
            return unsafe authorities.withCString { authorities in
                unsafe setup.client_authorities = unsafe authorities
                return unsafe edgeorch_mhd_start(&setup)
            }
        }
    }

    /// Closes every connection and joins the threads.
    ///
    /// No request may be suspended: the library would abort.
    func stop() {
        unsafe MHD_stop_daemon(handle)
        unsafe core.release()
    }
}

// The library's callbacks. The first argument is the core, retained by `Daemon` until the threads have ended.

/// Whether to take a new connection (`MHD_AcceptPolicyCallback`).
private func decideAccept(
    context: UnsafeMutableRawPointer?, address: UnsafePointer<sockaddr>?, length: socklen_t
) -> MHD_Result {
    guard let core = unsafe borrowedCore(context) else { return .NO }
    let refusal = core.refusal { unsafe address.map { unsafe PeerAddress.text($0) } ?? "unknown" }
    guard let refusal else { return .YES }
    core.observer.requestRejected(refusal)
    return .NO
}

/// A connection was opened or is about to be closed (`MHD_NotifyConnectionCallback`).
private func connectionChanged(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let core = unsafe borrowedCore(context), let connection = unsafe connection,
        let socketContext = unsafe socketContext
    else { return }
    if change == .CONNECTION_NOTIFY_STARTED {
        let handle = unsafe ConnectionHandle(connection)
        let record = ConnectionRecord(
            descriptor: handle.socket, peer: handle.peer, tls: core.configuration.tls, now: .now)
        core.connections.opened(record)
        // Retained for the socket context; taken back below, at the close of the same connection.
        unsafe socketContext.pointee = Unmanaged.passRetained(record).toOpaque()
        handle.watchHandshake()
    } else if let stored = unsafe socketContext.pointee {
        unsafe socketContext.pointee = nil
        let record = unsafe Unmanaged<ConnectionRecord>.fromOpaque(stored).takeRetainedValue()
        core.connections.closed(record)
        if let reason = record.closed(now: .now) { core.observer.requestRejected(reason) }
    }
}

/// A request line was read (`MHD_OPTION_URI_LOG_CALLBACK`); what it returns is the context of the request.
private func requestLineReceived(
    context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let core = unsafe borrowedCore(context), let connection = unsafe connection,
        let record = unsafe ConnectionHandle(connection).record
    else { return nil }
    let bytes = unsafe target.map { unsafe Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) } ?? []
    if let target = unsafe target { unsafe hideQuery(target, bytes) }
    let exchange = Exchange(core: core, record: record, target: bytes)
    core.requestStarted()
    record.requestStarted(exchange, now: .now)
    // Retained for the request's context; taken back by `requestCompleted`, which the library calls for each.
    return unsafe Unmanaged.passRetained(exchange).toOpaque()
}

/// Ends the library's own copy of the target behind its `?`.
///
/// It would keep a record of about 60 bytes for each argument of the query, in the connection's memory, and close the
/// connection without an answer where that is full: with 140 arguments, which are a target of 300 bytes. Nobody asks
/// it for them, because ``RequestTarget`` reads the query.
///
/// Source: libmicrohttpd's `parse_initial_message_line`, which calls back before it reads the arguments of a line that
/// is its own to write to, and reads none from an empty text.
private func hideQuery(_ target: UnsafePointer<CChar>, _ bytes: [UInt8]) {
    guard let place = bytes.firstIndex(of: UInt8(ascii: "?")), place + 1 < bytes.count else { return }
    unsafe UnsafeMutablePointer(mutating: target)[place + 1] = 0
}

/// The header fields are complete, a piece of the body is here, or it has ended (`MHD_AccessHandlerCallback`).
private func requestProgressed(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, target: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, piece: UnsafePointer<CChar>?,
    pieceLength: UnsafeMutablePointer<Int>?, requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let connection = unsafe connection, let stored = unsafe requestContext?.pointee,
        let method = unsafe method, let version = unsafe version, let pieceLength = unsafe pieceLength
    else { return .NO }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(stored).takeUnretainedValue()
    let line = unsafe RequestHead.Line(method: String(cString: method), version: String(cString: version))
    let bytes = unsafe piece.map { unsafe Array(UnsafeRawBufferPointer(start: $0, count: pieceLength.pointee)) }
    unsafe pieceLength.pointee = 0
    return unsafe exchange.progressed(ConnectionHandle(connection), line, piece: bytes) ? .YES : .NO
}

/// The library is done with a request (`MHD_RequestCompletedCallback`).
private func requestCompleted(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, code: MHD_RequestTerminationCode
) {
    guard let connection = unsafe connection, let requestContext = unsafe requestContext,
        let stored = unsafe requestContext.pointee
    else { return }
    unsafe requestContext.pointee = nil
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(stored).takeRetainedValue()
    let status = unsafe ConnectionHandle(connection).responseStatus
    exchange.ended(isComplete: code == .REQUEST_TERMINATED_COMPLETED_OK, libraryStatus: status)
}

/// Leaves percent-encoding as it is: `RequestTarget` decodes, and knows bytes that are not text.
private func keepEscapes(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    unsafe text.map { unsafe strlen($0) } ?? 0
}

private func borrowedCore(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
    unsafe context.map { unsafe Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}
