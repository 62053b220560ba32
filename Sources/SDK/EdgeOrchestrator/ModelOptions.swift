/// What `deployModel` takes beside the file, each with its default.
public struct ModelOptions: Sendable {
    /// The model's name; by default from the file's name: `yolov8n_v2.onnx` is model `yolov8n`.
    public var model: String?
    /// The version's name; by default from the file's name and its content, so that the same bytes always are the same
    /// version.
    public var version: String?
    /// The deployment's name; by default the model's, with a digest of the devices' names where devices are named.
    public var deployment: String?
    /// Which devices, by their labels, such as `site=berlin`; every device by default.
    public var selector: String?
    /// The file of the publisher's private key.
    ///
    /// By default `EDGECTL_SIGNING_KEY`, or `publisher.key` beside the profiles of
    /// `edgectl` (`~/.config/edgectl`).
    public var signingKey: String?
    /// The file the runtime loads, where the model is a directory with several.
    public var entry: String?
    /// Golden inputs and outputs for the smoke test.
    public var golden: String?
    /// Facts for people, such as the git commit.
    public var metadata: [String: String] = [:]

    /// Everything by default.
    public init(
        model: String? = nil, version: String? = nil, deployment: String? = nil, signingKey: String? = nil
    ) {
        self.model = model
        self.version = version
        self.deployment = deployment
        self.signingKey = signingKey
    }
}

/// How a version reaches its devices.
public enum RolloutStrategy: String, Hashable, Sendable, CaseIterable {
    /// In steps, each judged before the next: the policy's, or those that `percent` begins.
    case gradual
    /// In a single step, which is judged as well: most devices at once, the others for comparison.
    case allAtOnce = "all_at_once"
}
