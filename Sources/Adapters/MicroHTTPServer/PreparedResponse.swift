internal import CMicroHTTPD
import Glibc
internal import WebMessages

/// A response in libmicrohttpd's form, made on the thread that answers, so that compression and opening a file burden
/// no server thread.
///
/// Owns one reference to the library's response; a queued response is kept alive by the library's own.
/// `@unchecked Sendable`: immutable after init, and the library counts references atomically.
@safe final class PreparedResponse: @unchecked Sendable {
    /// The status code that will be sent.
    let status: Int
    private let handle: OpaquePointer
    private let size: BodySize

    /// How the bytes of the body are counted.
    private enum BodySize {
        case known(UInt64)
        case streamed(StreamReader)
    }

    /// The bytes of the body, as far as known: what was pulled so far for a stream.
    var bodyBytes: UInt64 {
        switch size {
        case .known(let bytes): bytes
        case .streamed(let reader): reader.deliveredBytes
        }
    }

    /// Prepares a response; one that cannot be sent (a file that is gone, a header field with a line break) becomes
    /// a 500 problem, and nil is left for the case that memory is short.
    static func prepare(_ response: WebResponse, acceptsGzip: Bool) -> PreparedResponse? {
        PreparedResponse(response, acceptsGzip: acceptsGzip)
            ?? PreparedResponse(
                .problem(500, "Internal Server Error", "The response could not be sent."), acceptsGzip: false)
    }

    private init?(_ response: WebResponse, acceptsGzip: Bool) {
        guard (200...599).contains(response.status) else { return nil }
        // The library takes no field without a value; such a field says nothing either.
        var headers = response.headers.filter {
            !$0.value.isEmpty && !Self.ownedByServer.contains($0.name.lowercased())
        }
        switch response.body {
        case .bytes(let plain):
            let bytes = Self.encode(plain, headers: &headers, acceptsGzip: acceptsGzip)
            guard let made = unsafe Self.fromBytes(bytes) else { return nil }
            unsafe handle = unsafe made
            size = .known(UInt64(bytes.count))
        case .file(let path, let offset, let length):
            guard let made = unsafe Self.fromFile(path, offset: offset, length: length) else { return nil }
            unsafe handle = unsafe made
            size = .known(length)
        case .stream(let next):
            let reader = StreamReader(next: next)
            guard let made = unsafe reader.makeResponse() else { return nil }
            unsafe handle = unsafe made
            size = .streamed(reader)
        }
        status = response.status
        for header in headers {
            guard unsafe MHD_add_response_header(handle, header.name, header.value) == .YES else { return nil }
        }
    }

    deinit {
        unsafe MHD_destroy_response(handle)
    }

    /// Lends the library's response for one call.
    func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(handle)
    }

    private static let ownedByServer: Set<String> = ["content-length", "date", "transfer-encoding"]

    /// Compresses where it pays and is accepted, and says so in the header fields.
    private static func encode(
        _ bytes: [UInt8], headers: inout [(name: String, value: String)], acceptsGzip: Bool
    ) -> [UInt8] {
        func value(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
        guard bytes.count >= ContentCoding.minimumBytes, value("content-encoding") == nil,
            ContentCoding.isCompressible(contentType: value("content-type"))
        else { return bytes }
        headers.append(("Vary", "Accept-Encoding"))
        guard acceptsGzip, let compressed = Gzip.compress(bytes) else { return bytes }
        headers.append(("Content-Encoding", "gzip"))
        // The bytes are no longer those a strong tag stands for (RFC 9110 section 8.8.1).
        for index in headers.indices where headers[index].name.lowercased() == "etag" {
            guard !headers[index].value.hasPrefix("W/") else { continue }
            headers[index].value = "W/" + headers[index].value
        }
        return compressed
    }

    private static func fromBytes(_ bytes: [UInt8]) -> OpaquePointer? {
        unsafe bytes.withUnsafeBytes { buffer in
            // MUST_COPY: the library keeps its own copy, and never writes through the pointer.
            unsafe MHD_create_response_from_buffer(
                buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
        }
    }

    private static func fromFile(_ path: String, offset: UInt64, length: UInt64) -> OpaquePointer? {
        guard length > 0 else { return unsafe fromBytes([]) }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        let (end, overflow) = offset.addingReportingOverflow(length)
        // A stretch past the end would leave the client waiting for bytes that never come.
        guard !overflow, unsafe fstat(descriptor, &information) == 0, end <= UInt64(max(0, information.st_size)),
            let response = unsafe MHD_create_response_from_fd_at_offset64(length, descriptor, offset)
        else {
            close(descriptor)
            return nil
        }
        // The response owns the descriptor and closes it with itself.
        return unsafe response
    }
}
