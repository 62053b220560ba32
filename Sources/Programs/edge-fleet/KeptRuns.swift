import Foundation
import Synchronization

/// Finished runs in a file, so that a benchmark that was cut goes on where it was: one line of JSON each.
///
/// A line that was cut off in the middle is passed over, and its run is made again.
final class KeptRuns: Sendable {
    private struct Line<Result: Codable>: Codable {
        let name: String
        let result: Result
    }

    private struct Name: Decodable {
        let name: String
    }

    private let lines: [String: Data]
    private let file: Mutex<FileHandle>

    /// Reads what is kept in a file, and makes the file where there is none.
    init(_ path: String) throws {
        let place = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: place) }
        let kept = try Data(contentsOf: place)
        var lines: [String: Data] = [:]
        for line in kept.split(separator: UInt8(ascii: "\n")) {
            guard let name = try? JSONDecoder().decode(Name.self, from: line).name else { continue }
            lines[name] = line
        }
        self.lines = lines
        let handle = try FileHandle(forWritingTo: place)
        try handle.seekToEnd()
        if let last = kept.last, last != UInt8(ascii: "\n") { try handle.write(contentsOf: Data("\n".utf8)) }
        file = Mutex(handle)
    }

    /// The result of a run that is kept; nil where it is not.
    func result<Result: Codable>(_ name: String, as: Result.Type = Result.self) -> Result? {
        lines[name].flatMap { try? JSONDecoder().decode(Line<Result>.self, from: $0).result }
    }

    /// Keeps a run; what cannot be written is made again another time.
    func keep<Result: Codable>(_ result: Result, of name: String) {
        guard var line = try? JSONEncoder().encode(Line(name: name, result: result)) else { return }
        line.append(UInt8(ascii: "\n"))
        file.withLock { try? $0.write(contentsOf: line) }
    }
}
