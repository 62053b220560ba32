import Glibc

/// The bytes of a request's body, read in order and from any position again.
struct UploadSource: ~Copyable {
    private enum Origin {
        case bytes([UInt8])
        case file(descriptor: Int32, path: String, offset: UInt64)
    }

    /// The next byte to send, counted from the body's start.
    var position: UInt64 = 0
    private let length: UInt64
    private let origin: Origin
    private let attempt: CurlError.Attempt

    /// Opens the file, if the body is one; nil for no body.
    init?(_ body: CurlBody, attempt: CurlError.Attempt) throws(CurlError) {
        self.attempt = attempt
        switch body {
        case .none:
            return nil
        case .bytes(let bytes):
            length = UInt64(bytes.count)
            origin = .bytes(bytes)
        case .file(let path, let offset, let length):
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw .fileUnreadable(attempt, path: path, text: unsafe String(cString: strerror(errno)))
            }
            self.length = length
            origin = .file(descriptor: descriptor, path: path, offset: offset)
        }
    }

    deinit {
        if case .file(let descriptor, _, _) = origin {
            close(descriptor)
        }
    }

    /// Copies the next bytes into `buffer`; returns how many, 0 at the end.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(CurlError) -> Int {
        let count = Int(min(length - min(position, length), UInt64(buffer.count)))
        guard count > 0 else { return 0 }
        switch origin {
        case .bytes(let bytes):
            let start = Int(position)
            unsafe buffer.copyBytes(from: bytes[start..<start + count])
            position += UInt64(count)
            return count
        case .file(let descriptor, let path, let offset):
            let received = unsafe pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset + position))
            guard received > 0 else {
                let text =
                    received == 0 ? "it ends before the announced length" : unsafe String(cString: strerror(errno))
                throw .fileUnreadable(attempt, path: path, text: text)
            }
            position += UInt64(received)
            return received
        }
    }
}
