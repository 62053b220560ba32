public import Fleet
internal import Glibc
internal import WireFormat

/// One file on its way to the artifact store: resumed where an earlier attempt stopped, tried again when the network
/// fails.
public struct ArtifactUpload: Sendable {
    /// The file to read.
    public var path: String
    /// SHA-256 of its bytes.
    public var digest: Digest
    /// Its size in bytes.
    public var sizeBytes: UInt64
    /// How often in a row a call may fail in passing before the upload gives up.
    public static let attempts = 6

    /// Describes an upload.
    public init(path: String, digest: Digest, sizeBytes: UInt64) {
        self.path = path
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

extension Orchestrator {
    /// Uploads a file, whatever part of it the controller has already.
    ///
    /// - Parameter progress: called with the bytes stored so far, after each piece and once at the start.
    /// - Throws: ``OrchestratorError``; calling again goes on from where the upload stopped.
    public func upload(
        _ upload: ArtifactUpload, progress: (_ storedBytes: UInt64) -> Void = { _ in }
    ) throws(OrchestratorError) {
        var status = try begin(upload)
        progress(status.offsetBytes)
        var failures = 0
        while !status.complete {
            let length = min(Self.uploadPieceBytes, upload.sizeBytes - min(status.offsetBytes, upload.sizeBytes))
            do throws(OrchestratorError) {
                status = try appendUpload(
                    upload.digest, path: upload.path, offsetBytes: status.offsetBytes, lengthBytes: length)
                failures = 0
            } catch {
                failures += 1
                guard failures < ArtifactUpload.attempts, error.isTransient || error.isOffsetMismatch else {
                    throw error
                }
                Self.pause(beforeAttempt: failures)
                status = try begin(upload)
            }
            progress(status.offsetBytes)
        }
    }

    private func begin(_ upload: ArtifactUpload) throws(OrchestratorError) -> UploadStatus {
        var failures = 0
        while true {
            do throws(OrchestratorError) {
                return try beginUpload(upload.digest, sizeBytes: upload.sizeBytes)
            } catch {
                failures += 1
                guard failures < ArtifactUpload.attempts, error.isTransient else { throw error }
                Self.pause(beforeAttempt: failures)
            }
        }
    }

    /// Half a second, then twice as long each time.
    private static func pause(beforeAttempt number: Int) {
        usleep(500_000 << UInt32(min(number - 1, 4)))
    }
}

extension OrchestratorError {
    /// Another attempt moved the upload on; asking again tells from where to go on.
    fileprivate var isOffsetMismatch: Bool { problem?.code == "offset_mismatch" }
}
