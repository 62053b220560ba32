/// What happens during one request: the callbacks' counterpart, used by the calling thread only.
final class Transfer {
    let attempt: CurlError.Attempt
    /// The status and header fields of the last response, once they are complete.
    private(set) var head = CurlResponseHead(status: 0)
    /// What stopped the transfer from this side.
    private(set) var failure: (any Error)?

    private let cancellation: CurlCancellation?
    private let onHead: (CurlResponseHead) throws -> Void
    private let receive: ([UInt8]) throws -> Void
    private var source: UploadSource?
    private var isHeadDelivered = false

    /// Opens the file to send, if there is one.
    init(
        _ request: CurlRequest, cancellation: CurlCancellation?,
        onHead: @escaping (CurlResponseHead) throws -> Void = { _ in }, receive: @escaping ([UInt8]) throws -> Void
    ) throws(CurlError) {
        attempt = CurlError.Attempt(request)
        self.cancellation = cancellation
        self.onHead = onHead
        self.receive = receive
        source = try UploadSource(request.body, attempt: attempt)
    }

    /// Gives the head to the caller, once.
    ///
    /// Late, because each redirect and each 1xx has a head of its own, which the next one replaces.
    func deliverHeadIfDue() {
        guard !isHeadDelivered, failure == nil else { return }
        isHeadDelivered = true
        attemptCall { try onHead(head) }
    }

    /// A line of a head arrived, its line end included.
    func headerLineReceived(_ line: String) {
        let line = line.trimmedOfLineEnd
        if line.hasPrefix("HTTP/") {
            let status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            head = CurlResponseHead(status: status ?? 0)
        } else if let colon = line.firstIndex(of: ":") {
            let name = line[..<colon].lowercased()
            let value = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
            head.headers[name] = head.headers[name].map { "\($0), \(value)" } ?? value
        }
    }

    /// A piece of the body arrived.
    ///
    /// False aborts the transfer.
    func bodyReceived(_ piece: [UInt8]) -> Bool {
        deliverHeadIfDue()
        attemptCall { try receive(piece) }
        return failure == nil
    }

    /// Fills `buffer` with what is to be sent next of a file; nil aborts.
    func bodyWanted(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard source != nil else { return 0 }
        do {
            return unsafe try source?.read(into: buffer)
        } catch {
            failure = error
            return nil
        }
    }

    /// libcurl sends the body again from `offset`, because a kept connection turned out to be dead.
    func bodyRewound(to offset: Int) -> Bool {
        guard source != nil, offset >= 0 else { return false }
        source?.position = UInt64(offset)
        return true
    }

    /// Whether the transfer may go on.
    func mayContinue() -> Bool {
        guard failure == nil else { return false }
        guard let cancellation, cancellation.isCancelled else { return true }
        failure = CurlError.cancelled(attempt)
        return false
    }

    private func attemptCall(_ call: () throws -> Void) {
        guard failure == nil else { return }
        do {
            try call()
        } catch {
            failure = error
        }
    }
}

extension String {
    /// The line without CR and LF.
    ///
    /// Bytes are looked at, because CR LF is one Character.
    fileprivate var trimmedOfLineEnd: String {
        String(decoding: utf8.filter { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
    }
}
