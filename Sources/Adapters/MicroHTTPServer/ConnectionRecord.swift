internal import CLinux
import Glibc
import Synchronization
internal import WebMessages

/// What is known of one connection: its socket while open, its phase, and the request it is busy with.
final class ConnectionRecord: Sendable {
    /// The peer's address as text.
    let peer: String
    private let tls: ServerTLS?

    private struct State {
        var descriptor: Int32?
        /// What GnuTLS was given for this connection; it must live as long as the connection does.
        var identity: ServerIdentity?
        /// Who the client proved to be, once asked.
        var peerCertificate: PeerCertificate??
        var phase: ConnectionPhase
        var exchange: Exchange?
        /// TLS was not agreed upon yet.
        var isHandshaking: Bool
    }

    private let state: Mutex<State>

    /// The kernel counts the age of the last byte in clock ticks of up to 4 ms.
    private static let tickSeconds = 0.005

    /// A connection was accepted at `now`; its first request is due.
    init(descriptor: Int32?, peer: String, tls: ServerTLS? = nil, now: ContinuousClock.Instant) {
        self.peer = peer
        self.tls = tls
        state = Mutex(
            State(descriptor: descriptor, phase: .receivingHeaders(since: now), isHandshaking: tls != nil))
    }

    /// The request it is busy with.
    var exchange: Exchange? {
        state.withLock { $0.exchange }
    }

    /// A handshake wants the certificate; nil on a connection without TLS.
    func identityShown() -> ServerIdentity? {
        guard let identity = tls?.current else { return nil }
        state.withLock { $0.identity = identity }
        return identity
    }

    /// The client has ended its part of the handshake.
    func handshakeDone() {
        state.withLock { $0.isHandshaking = false }
    }

    /// Who the client proved to be; `certificate` reads what it sent, and is asked once.
    func peerCertificate(sent certificate: () -> [UInt8]?) -> PeerCertificate? {
        guard let check = tls?.clientCheck else { return nil }
        if let known = state.withLock({ $0.peerCertificate }) { return known }
        let found = certificate().flatMap(check)
        state.withLock { $0.peerCertificate = .some(found) }
        return found
    }

    /// The first line of a request was read.
    func requestStarted(_ exchange: Exchange, now: ContinuousClock.Instant) {
        state.withLock { state in
            state.exchange = exchange
            if case .idle = state.phase {
                state.phase = .receivingHeaders(since: now)
            }
        }
    }

    /// The connection does something else from now on.
    ///
    /// One that was cut off stays so.
    func phaseChanged(_ phase: ConnectionPhase) {
        state.withLock { state in
            guard state.phase != .cutOff else { return }
            state.phase = phase
        }
    }

    /// So many more bytes of the body arrived.
    func bodyArrived(bytes: Int) {
        state.withLock { state in
            guard case .receivingBody(let since, let received) = state.phase else { return }
            state.phase = .receivingBody(since: since, received: received + UInt64(bytes))
        }
    }

    /// The request is over; the next may come.
    func requestEnded(now: ContinuousClock.Instant) {
        state.withLock { state in
            state.exchange = nil
            guard state.phase != .cutOff else { return }
            state.phase = .idle(since: now)
        }
    }

    /// Cuts the connection off when it has missed a deadline, and says which.
    ///
    /// One held too long is only reported: it is suspended, so that its owner has to answer it.
    func enforce(_ deadlines: ConnectionDeadlines, now: ContinuousClock.Instant) -> Overdue? {
        state.withLock { state in
            if case .idle(let since) = state.phase, Self.hasReceived(state.descriptor, since: since, now: now) {
                state.phase = .receivingHeaders(since: now)
            }
            guard let overdue = deadlines.overdue(state.phase, now: now) else { return nil }
            if overdue != .held {
                state.phase = .cutOff
                // The descriptor is open here: `closed` takes this lock before the library closes it.
                if let descriptor = state.descriptor {
                    shutdown(descriptor, Int32(SHUT_RDWR))
                }
            }
            return overdue
        }
    }

    /// The library is about to close the socket.
    ///
    /// Says why when it does so because it could not read a request line, for which it has neither an answer nor a
    /// callback, or because a handshake failed that the client had begun, whoever of the two ended it.
    func closed(now: ContinuousClock.Instant) -> RejectionReason? {
        state.withLock { state in
            defer { state.descriptor = nil }
            if state.isHandshaking {
                return state.phase != .cutOff && Self.hasSent(state.descriptor) ? .handshakeFailed : nil
            }
            guard state.exchange == nil else { return nil }
            let hasSent =
                switch state.phase {
                case .receivingHeaders: Self.hasSent(state.descriptor)
                case .idle(let since): Self.hasReceived(state.descriptor, since: since, now: now)
                case .receivingBody, .held, .answering, .cutOff: false
                }
            // What was sent under TLS may be no more than the farewell of a client that hung up first.
            let isUnreadable = hasSent && (tls == nil || Self.hasClosedFirst(state.descriptor))
            return isUnreadable ? .malformed : nil
        }
    }

    private static func hasReceived(
        _ descriptor: Int32?, since: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Bool {
        guard let info = descriptor.flatMap(information) else { return false }
        return Double(info.tcpi_last_data_recv) / 1000 < (now - since) / .seconds(1) - tickSeconds
    }

    /// Whether the peer has sent anything but its end: one that only looks whether the port is open has not.
    private static func hasSent(_ descriptor: Int32?) -> Bool {
        descriptor.map { edgeorch_tcp_bytes_received($0) > 1 } ?? false
    }

    private static func hasClosedFirst(_ descriptor: Int32?) -> Bool {
        guard let info = descriptor.flatMap(information) else { return false }
        return Int(info.tcpi_state) == Int(TCP_FIN_WAIT1) || Int(info.tcpi_state) == Int(TCP_FIN_WAIT2)
    }

    /// What the kernel knows of a TCP connection (tcp(7), TCP_INFO).
    private static func information(_ descriptor: Int32) -> tcp_info? {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        let code = unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
        return code == 0 ? info : nil
    }
}
