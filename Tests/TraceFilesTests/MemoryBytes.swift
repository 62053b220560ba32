@testable import TraceFiles

/// Bytes that are handed out a few at a time.
final class MemoryBytes: ByteSource {
    private let bytes: [UInt8]
    private let portion: Int
    private var place = 0

    init(_ bytes: [UInt8], portion: Int = 7) {
        self.bytes = bytes
        self.portion = portion
    }

    convenience init(_ text: String, portion: Int = 7) { self.init(Array(text.utf8), portion: portion) }

    func read(into buffer: inout [UInt8], from place: Int) -> Int {
        let count = min(portion, buffer.count - place, bytes.count - self.place)
        for offset in 0..<count { buffer[place + offset] = bytes[self.place + offset] }
        self.place += count
        return count
    }
}
