internal import CZlib

/// One-shot gzip compression by zlib.
enum Gzip {
    /// Fast and, on JSON, within a few percent of the best level.
    private static let level: Int32 = 4

    /// The compressed bytes, or nil when zlib has no memory or they would not be smaller.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        guard let available = UInt32(exactly: bytes.count) else { return nil }
        var stream = unsafe z_stream()
        guard unsafe edgeorch_gzip_init(&stream, level) == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        // A body that does not fit into its own size is not worth compressing, so no more room is needed.
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { output, count in
            count = 0
            unsafe bytes.withUnsafeBufferPointer { input in
                // zlib never writes through next_in; its type lacks const for C89's sake.
                unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.avail_in = available
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = available
                if unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END {
                    count = unsafe bytes.count - Int(stream.avail_out)
                }
            }
        }.nonEmpty
    }
}

extension [UInt8] {
    /// The array itself, or nil when it is empty.
    fileprivate var nonEmpty: [UInt8]? {
        isEmpty ? nil : self
    }
}
