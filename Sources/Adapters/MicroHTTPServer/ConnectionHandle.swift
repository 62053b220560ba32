internal import CGnuTLS
internal import CMicroHTTPD
import Glibc

/// A connection of libmicrohttpd, valid from its start notification to its close notification.
///
/// `@unchecked Sendable`: `suspend`, `queue` and the accessors are called in the library's callbacks only, on the
/// connection's own thread; `resume` is allowed from any thread while the connection is suspended, which
/// ``Exchange`` proves by calling it inside its lock and in that state only.
@safe struct ConnectionHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Wraps the pointer a callback was given.
    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    /// Stops reading and watching the connection until ``resume()``.
    func suspend() {
        unsafe MHD_suspend_connection(pointer)
    }

    /// Lets the connection's thread ask for the answer again.
    func resume() {
        unsafe MHD_resume_connection(pointer)
    }

    /// Queues the answer; false when the library refuses it, and the connection must be closed.
    func queue(_ response: PreparedResponse) -> Bool {
        unsafe response.withHandle { handle in
            unsafe MHD_queue_response(pointer, UInt32(response.status), handle) == .YES
        }
    }

    /// The socket, or nil.
    var socket: Int32? {
        let descriptor = unsafe edgeorch_mhd_socket(pointer)
        return descriptor >= 0 ? descriptor : nil
    }

    /// The peer's address as text, or `unknown`.
    var peer: String {
        guard let address = unsafe edgeorch_mhd_peer(pointer) else { return "unknown" }
        return unsafe PeerAddress.text(address)
    }

    /// Has the record told when the client ends its part of the handshake; nothing without TLS.
    func watchHandshake() {
        guard let session = unsafe edgeorch_mhd_tls_session(pointer) else { return }
        unsafe gnutls_handshake_set_hook_function(
            session, UInt32(GNUTLS_HANDSHAKE_FINISHED.rawValue), Int32(GNUTLS_HOOK_POST), handshakeProgressed)
    }

    /// The certificate (DER) of the client, whose key it proved to have at the handshake; nil without one.
    var clientCertificate: [UInt8]? {
        guard let session = unsafe edgeorch_mhd_tls_session(pointer) else { return nil }
        var count: UInt32 = 0
        guard let chain = unsafe gnutls_certificate_get_peers(session, &count), count > 0,
            let bytes = unsafe chain.pointee.data
        else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(chain.pointee.size)))
    }

    /// The status of the response the library sends, its own error answers included; 0 when there is none.
    var responseStatus: Int {
        Int(unsafe edgeorch_mhd_status(pointer))
    }

    /// The record its start notification made.
    ///
    /// Not retained: the caller holds it for the callback only.
    var record: ConnectionRecord? {
        guard let context = unsafe edgeorch_mhd_socket_context(pointer) else { return nil }
        return unsafe Unmanaged<ConnectionRecord>.fromOpaque(context).takeUnretainedValue()
    }

    /// The header fields by lower-case name, repeated ones joined by `, ` (RFC 9110 section 5.3).
    func headers() -> [String: String] {
        let fields = HeaderFields()
        let context = unsafe Unmanaged.passUnretained(fields)
        // The iterator runs before this returns, so that `fields` outlives it.
        _ = unsafe MHD_get_connection_values(pointer, .HEADER_KIND, collectHeaderField, context.toOpaque())
        return fields.byName
    }
}

/// The text of socket addresses.
enum PeerAddress {
    /// The numeric address without its port; an IPv4 address mapped into IPv6 reads as IPv4.
    static func text(_ address: UnsafePointer<sockaddr>) -> String {
        let isIPv6 = unsafe Int32(address.pointee.sa_family) == AF_INET6
        let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN) + 20)
        let code = unsafe getnameinfo(
            address, socklen_t(length), &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return "unknown" }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }
}

/// What ``collectHeaderField`` fills; lives for one call and on one thread.
private final class HeaderFields {
    var byName: [String: String] = [:]
}

/// The library's iterator over header fields.
private func collectHeaderField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, value: UnsafePointer<CChar>?
) -> MHD_Result {
    guard let context = unsafe context, let name = unsafe name else { return .NO }
    let fields = unsafe Unmanaged<HeaderFields>.fromOpaque(context).takeUnretainedValue()
    let key = unsafe String(cString: name).lowercased()
    let text = unsafe value.map { unsafe String(cString: $0) } ?? ""
    fields.byName[key] = fields.byName[key].map { "\($0), \(text)" } ?? text
    return .YES
}
