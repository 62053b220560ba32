import Fleet
import Orchestration
import Rollouts
import Synchronization
import WireFormat

/// Artifacts in memory, which are only ever listed and removed; when a removal is tried, something can happen first.
final class MemoryArtifacts: ArtifactStore {
    private let content = Mutex<[Digest: Retention.StoredFile]>([:])

    /// Stores a file, or an upload of one.
    func put(_ digest: Digest, bytes: UInt64 = 100, at moment: Timestamp, complete: Bool = true) {
        content.withLock {
            $0[digest] = Retention.StoredFile(
                digest: digest, sizeBytes: bytes, storedAt: moment, isComplete: complete)
        }
    }

    func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws -> UploadStatus {
        UploadStatus(offsetBytes: 0, complete: false)
    }

    func append(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        throw ArtifactStoreError.uploadNotStarted(digest)
    }

    func uploadStatus(_ digest: Digest) throws -> UploadStatus? { nil }

    func file(_ digest: Digest) throws -> ArtifactFile? {
        content.withLock { $0[digest].map { ArtifactFile(path: "/", sizeBytes: $0.sizeBytes) } }
    }

    func files() throws -> [Retention.StoredFile] {
        content.withLock { $0.values.sorted { $0.digest < $1.digest } }
    }

    func remove(_ file: Retention.StoredFile) throws -> Bool {
        content.withLock { content in
            guard content[file.digest] == file else { return false }
            content[file.digest] = nil
            return true
        }
    }
}
