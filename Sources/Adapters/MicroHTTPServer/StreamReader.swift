internal import CMicroHTTPD
import Glibc
import Synchronization

/// Feeds a response of unknown length to libmicrohttpd from a closure that gives chunk after chunk.
final class StreamReader: Sendable {
    private struct State {
        var pending: ArraySlice<UInt8> = []
        var deliveredBytes: UInt64 = 0
    }

    private let next: @Sendable () -> [UInt8]?
    private let state = Mutex(State())

    /// The block the library asks for at once, bounded by what the connection's memory has free.
    private static let blockBytes = 16 * 1024

    /// Reads from `next` until it gives nil.
    init(next: @escaping @Sendable () -> [UInt8]?) {
        self.next = next
    }

    /// The bytes handed to the library so far.
    var deliveredBytes: UInt64 {
        state.withLock { $0.deliveredBytes }
    }

    /// A response that reads from this, or nil without memory.
    func makeResponse() -> OpaquePointer? {
        // Retained here, released by `releaseStream` when the library destroys the response.
        let context = unsafe Unmanaged.passRetained(self)
        let response = unsafe MHD_create_response_from_callback(
            UInt64.max, Self.blockBytes, readStream, context.toOpaque(), releaseStream)
        if unsafe response == nil {
            unsafe context.release()
        }
        return unsafe response
    }

    /// Copies the next bytes into `buffer`; returns how many, or nil at the end.
    ///
    /// Called by one thread at a time.
    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        var chunk = state.withLock { $0.pending }
        // The library takes 0 for "call again at once", so that an empty chunk is passed over here.
        while chunk.isEmpty {
            guard let more = next() else { return nil }
            chunk = more[...]
        }
        let count = min(chunk.count, buffer.count)
        unsafe buffer.copyBytes(from: chunk.prefix(count))
        state.withLock { state in
            state.pending = chunk.dropFirst(count)
            state.deliveredBytes += UInt64(count)
        }
        return count
    }
}

/// The library's content reader (`MHD_ContentReaderCallback`).
private func readStream(
    context: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, capacity: Int
) -> Int {
    guard let context = unsafe context, let buffer = unsafe buffer else { return endOfStream }
    let reader = unsafe Unmanaged<StreamReader>.fromOpaque(context).takeUnretainedValue()
    return unsafe reader.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity)) ?? endOfStream
}

/// MHD_CONTENT_READER_END_OF_STREAM is a macro of a cast that Swift does not import.
private let endOfStream = -1

/// The library's free callback; releases what `makeResponse` retained.
private func releaseStream(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<StreamReader>.fromOpaque(context).release()
}
