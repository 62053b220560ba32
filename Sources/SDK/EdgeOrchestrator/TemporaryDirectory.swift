#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A directory of its own that is gone when the work is done.
public enum TemporaryDirectory {
    /// Runs the work in a fresh directory that only its owner can enter.
    ///
    /// - Parameter unremoved: told of a directory that could not be removed, with the reason.
    /// - Throws: ``VersionSourceError/failed(_:)`` where no directory can be made, and what the work throws.
    public static func with<Result>(
        unremoved: (_ sentence: String) -> Void = { _ in }, _ body: (_ path: String) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "edge-version-\(UUID().uuidString)").path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw VersionSourceError.failed(
                "cannot make \(path): \(SmallFile.reason(error)); set TMPDIR to a writable place")
        }
        defer {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                unremoved("\(path) could not be removed: \(SmallFile.reason(error))")
            }
        }
        return try body(path)
    }
}
