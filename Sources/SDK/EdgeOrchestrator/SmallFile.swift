#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Small files of the person or program that uses the library.
package enum SmallFile {
    /// Reads a text file of at most 64 KiB, without the white space around it.
    ///
    /// - Throws: ``VersionSourceError/invalid(_:)``, which names the file and never its content.
    static func text(_ path: String, as noun: String) throws(VersionSourceError) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .invalid("cannot read the \(noun) in \(path): \(reason(error)); check the path and its permissions")
        }
        guard data.count <= 64 << 10, let text = String(validating: data, as: UTF8.self) else {
            throw .invalid("\(path) is no \(noun): it is longer than 64 KiB or no UTF-8 text")
        }
        var words = text[...]
        while words.first?.isWhitespace == true { words.removeFirst() }
        while words.last?.isWhitespace == true { words.removeLast() }
        return String(words)
    }

    /// Why the system refused, in its own words.
    package static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        return switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "there is no such file"
        case .fileReadNoPermission, .fileWriteNoPermission: "permission denied"
        case .fileWriteFileExists: "it exists already"
        case .fileWriteOutOfSpace: "the disk is full"
        default: "\(error)"
        }
    }
}
