internal import CurlClient
public import Fleet
public import WireFormat

extension Orchestrator {
    // MARK: - Keys

    /// All publisher keys the controller knows.
    public func publisherKeys() throws(OrchestratorError) -> [PublisherKey] {
        try all(.get("publisher-keys"))
    }

    /// Registers a publisher's public key (PEM).
    public func addPublisherKey(pem: String) throws(OrchestratorError) -> PublisherKey {
        try call(.sending("POST", "publisher-keys", PublisherKey(pem: pem)).once())
    }

    /// The publishers' key sets, in order.
    public func keySets() throws(OrchestratorError) -> [KeySetResource] {
        try all(.get("key-sets"))
    }

    /// Publishes the next key set, as the recovery key signed it; the same one again changes nothing.
    public func publishKeySet(envelope: String) throws(OrchestratorError) -> KeySetResource {
        try call(.sending("POST", "key-sets", KeySetPublication(envelope: envelope)).once())
    }

    /// The public half of the key that the controller signs assignments with.
    public func assignmentKey() throws(OrchestratorError) -> PublisherKey {
        try call(.get("assignment-key"))
    }

    // MARK: - Models

    /// All models by name.
    public func models() throws(OrchestratorError) -> [ModelResource] {
        try all(.get("models"))
    }

    /// The versions of a model, newest first.
    public func versions(of model: ModelName) throws(OrchestratorError) -> [VersionResource] {
        try all(.get("models/\(model)/versions"))
    }

    /// One version.
    public func version(_ version: VersionName, of model: ModelName) throws(OrchestratorError) -> VersionResource {
        try call(.get("models/\(model)/versions/\(version)"))
    }

    /// Registers a version whose files are uploaded; the same registration again changes nothing.
    public func register(
        _ registration: VersionRegistration, model: ModelName
    ) throws(OrchestratorError) -> VersionResource {
        try call(.sending("POST", "models/\(model)/versions", registration).once())
    }

    // MARK: - Artifacts

    /// The most bytes of one piece of an upload: 8 MiB.
    public static let uploadPieceBytes: UInt64 = 8 << 20

    /// Starts the upload of a file, or asks how far it is.
    public func beginUpload(_ digest: Digest, sizeBytes: UInt64) throws(OrchestratorError) -> UploadStatus {
        try call(.sending("POST", "artifacts/\(digest)/upload", UploadRequest(sizeBytes: sizeBytes)))
    }

    /// How far an upload is.
    public func uploadStatus(_ digest: Digest) throws(OrchestratorError) -> UploadStatus {
        try call(.get("artifacts/\(digest)/upload"))
    }

    /// Appends the piece of a file that starts at `offsetBytes` to an upload.
    ///
    /// - Parameter lengthBytes: at most ``uploadPieceBytes``.
    public func appendUpload(
        _ digest: Digest, path: String, offsetBytes: UInt64, lengthBytes: UInt64
    ) throws(OrchestratorError) -> UploadStatus {
        var piece = APICall("PATCH", "artifacts/\(digest)/upload")
        piece.headers = [
            (name: "Upload-Offset", value: "\(offsetBytes)"), (name: "Content-Type", value: "application/octet-stream"),
        ]
        piece.body = .file(path: path, offset: offsetBytes, length: lengthBytes)
        // The server gives a body up below 1 KB/s; this side does the same and has no limit in all.
        piece.timeoutSeconds = nil
        piece.slowestBytesPerSecond = 1024
        return try call(piece)
    }
}
