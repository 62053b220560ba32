import Glibc

/// A stretch of a file that is sent as a request's body, read in order and from any position again.
struct UploadSource: ~Copyable {
    /// The next byte to send, counted from the stretch's start.
    var position: UInt64 = 0
    private let descriptor: Int32
    private let path: String
    private let offset: UInt64
    private let length: UInt64
    private let attempt: CurlError.Attempt

    /// Opens the file, if the body is one; nil for other bodies.
    init?(_ body: CurlBody, attempt: CurlError.Attempt) throws(CurlError) {
        guard case .file(let path, let offset, let length) = body else { return nil }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .fileUnreadable(attempt, path: path, text: unsafe String(cString: strerror(errno)))
        }
        self.descriptor = descriptor
        self.path = path
        self.offset = offset
        self.length = length
        self.attempt = attempt
    }

    deinit {
        close(descriptor)
    }

    /// Copies the next bytes into `buffer`; returns how many, 0 at the end.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(CurlError) -> Int {
        let wanted = Int(min(length - min(position, length), UInt64(buffer.count)))
        guard wanted > 0 else { return 0 }
        let start = off_t(clamping: offset.addingReportingOverflow(position).partialValue)
        let count = unsafe pread(descriptor, buffer.baseAddress, wanted, start)
        guard count > 0 else {
            let text = count == 0 ? "it ends before the announced length" : unsafe String(cString: strerror(errno))
            throw .fileUnreadable(attempt, path: path, text: text)
        }
        position += UInt64(count)
        return count
    }
}
