internal import CCurl
import Synchronization

/// A blocking HTTP client on libcurl with kept-alive connections.
///
/// Each request runs on the calling thread and borrows one easy handle, which keeps its connections for the next;
/// at most `idleHandleLimit` handles wait between requests. Any number of threads may use one client at once. Do not
/// call it from a task of Swift concurrency: it blocks.
public final class CurlClient: Sendable {
    private let idleHandleLimit: Int
    private let userAgent: String
    private let idleHandles = Mutex<[EasyHandle]>([])

    /// Initialises libcurl once for the process, before the first handle (curl_global_init(3)).
    private static let isLibraryReady = edgeorch_curl_global_init() == CURLE_OK

    /// Makes a client.
    ///
    /// `userAgent` names the program to servers.
    public init(userAgent: String = "edge-orchestrator", idleHandleLimit: Int = 8) {
        self.userAgent = userAgent
        self.idleHandleLimit = idleHandleLimit
    }

    /// Sends a request and collects the response, compressed with gzip on the way when the server can.
    ///
    /// Throws ``CurlError`` when there is no response; any status is a response.
    public func send(_ request: CurlRequest, cancellation: CurlCancellation? = nil) throws(CurlError) -> CurlResponse {
        let collector = ResponseCollector(limitBytes: request.maxResponseBytes)
        let transfer: Transfer
        do {
            transfer = try Transfer(request, cancellation: cancellation, receive: collector.receive)
            try perform(transfer, request, acceptsGzip: true)
        } catch let error as CurlError {
            throw error
        } catch {
            throw .responseTooLarge(CurlError.Attempt(request), limitBytes: request.maxResponseBytes)
        }
        return CurlResponse(status: transfer.head.status, headers: transfer.head.headers, body: collector.body)
    }

    /// Sends a request and hands the response's body on piece by piece as it arrives, as it is: without compression,
    /// so that offsets of a range stay those of the file.
    ///
    /// `onHead` is called once, before the first piece and also when there is none. What `onHead` or `receive`
    /// throw aborts the transfer and is thrown from here; everything else thrown is a ``CurlError``. The calls come
    /// on the calling thread.
    @discardableResult
    public func download(
        _ request: CurlRequest, cancellation: CurlCancellation? = nil,
        onHead: @escaping (CurlResponseHead) throws -> Void = { _ in }, to receive: @escaping ([UInt8]) throws -> Void
    ) throws -> CurlResponseHead {
        let transfer = try Transfer(request, cancellation: cancellation, onHead: onHead, receive: receive)
        try perform(transfer, request, acceptsGzip: false)
        return transfer.head
    }

    private func perform(_ transfer: Transfer, _ request: CurlRequest, acceptsGzip: Bool) throws {
        let handle = try borrowHandle(for: request)
        defer { giveBack(handle) }
        try handle.configure(request, userAgent: userAgent, acceptsGzip: acceptsGzip)
        try handle.perform(transfer)
    }

    private func borrowHandle(for request: CurlRequest) throws(CurlError) -> EasyHandle {
        if let idle = idleHandles.withLock({ $0.popLast() }) {
            return idle
        }
        guard Self.isLibraryReady, let made = EasyHandle() else {
            throw .transferFailed(
                CurlError.Attempt(request), code: Int(CURLE_FAILED_INIT.rawValue), text: "libcurl has no memory")
        }
        return made
    }

    private func giveBack(_ handle: EasyHandle) {
        handle.reset()
        idleHandles.withLock { handles in
            guard handles.count < idleHandleLimit else { return }
            handles.append(handle)
        }
    }
}

/// Collects a body up to a limit; lives for one request, on its thread.
private final class ResponseCollector {
    struct TooLarge: Error {}

    private(set) var body: [UInt8] = []
    private let limitBytes: Int

    init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    func receive(_ piece: [UInt8]) throws {
        guard body.count + piece.count <= limitBytes else { throw TooLarge() }
        body += piece
    }
}
