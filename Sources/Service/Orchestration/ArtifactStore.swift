public import Fleet
public import Rollouts
public import WireFormat

/// Where artifacts' bytes are, addressed by their digest.
///
/// Calls block; they are made from worker threads only.
public protocol ArtifactStore: Sendable {
    /// Starts or resumes an upload; a complete artifact answers complete at once.
    func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws -> UploadStatus

    /// Appends a piece; the last one verifies the digest, and a mismatch discards the upload.
    ///
    /// - Throws: ``ArtifactStoreError``.
    func append(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus

    /// How far an upload is; nil where none was started.
    func uploadStatus(_ digest: Digest) throws -> UploadStatus?

    /// A complete artifact as a file; nil where there is none.
    func file(_ digest: Digest) throws -> ArtifactFile?

    /// Everything that is stored: complete artifacts, and uploads that have not ended.
    func files() throws -> [Retention.StoredFile]

    /// Removes a file as it was listed.
    ///
    /// - Returns: false where it is not there any more, or has been written to since.
    func remove(_ file: Retention.StoredFile) throws -> Bool
}

/// A complete artifact on the controller's disk.
public struct ArtifactFile: Hashable, Sendable {
    /// Where it is.
    public var path: String
    /// Its size in bytes.
    public var sizeBytes: UInt64

    /// Names a file.
    public init(path: String, sizeBytes: UInt64) {
        self.path = path
        self.sizeBytes = sizeBytes
    }
}

/// Why an artifact store refused.
public enum ArtifactStoreError: Error, Hashable, Sendable {
    /// No upload of that digest was started.
    case uploadNotStarted(Digest)
    /// The piece does not start where the upload ends.
    case offsetMismatch(expected: UInt64, got: UInt64)
    /// More bytes than announced.
    case tooLarge(announced: UInt64)
    /// All bytes are there and their digest is another one; the upload was discarded.
    case digestMismatch(expected: Digest, got: Digest)
    /// An upload of that digest was started with another size.
    case sizeMismatch(announced: UInt64, got: UInt64)
    /// The disk refused, with the system's words; `full` when there is no space left.
    case disk(operation: String, reason: String, full: Bool)
}
