import Foundation

/// A file with these bytes that goes away with the value that made it.
final class TemporaryFile: Sendable {
    let path: String
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        path = NSTemporaryDirectory() + "/http-test-" + UUID().uuidString
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
