import Cryptography
import Foundation
import ModelTrust

/// Published test vectors that are not part of the project: found by `EDGEORCH_VECTORS`, or beside the checkout.
enum VectorFiles {
    /// The vectors' directory; nil where there is none.
    static let directory: String? = {
        let named = ProcessInfo.processInfo.environment["EDGEORCH_VECTORS"]
        return [named, "../shared/vectors"].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0) }
    }()

    /// Whether a file or folder of vectors is there.
    static func has(_ path: String) -> Bool {
        guard let directory else { return false }
        return FileManager.default.fileExists(atPath: "\(directory)/\(path)")
    }

    /// The content of one file of vectors.
    static func contents(_ path: String) throws -> [UInt8] {
        try FileHashing.contents(ofFile: "\(directory ?? "")/\(path)", limitBytes: 8 << 20)
    }

    /// One file of vectors as JSON.
    static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: try contents(path), limits: JSONLimits(bytes: 8 << 20))
    }
}

extension JSONValue {
    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    var items: [JSONValue] {
        guard case .array(let values) = self else { return [] }
        return values
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

/// The bytes of hexadecimal digits; nil for anything else.
func bytes(hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
            return nil
        }
        bytes.append(byte)
    }
    return bytes
}

/// A directory for one test, removed when the test ends.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/edge-trust-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ content: [UInt8], to name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: url)
    }
}
