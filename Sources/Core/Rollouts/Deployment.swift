public import Fleet

/// A standing declaration: which devices run which version of a model, and by which policy that changes.
public struct Deployment: Codable, Hashable, Sendable {
    /// The deployment's name.
    public var name: DeploymentName
    /// Which devices; an empty selector means all.
    public var selector: Selector
    /// The devices by name, where a person names them: of those that the selector finds, only these; nil for all.
    public var devices: [DeviceID]?
    /// Which model.
    public var model: ModelName
    /// The wanted version.
    public var version: VersionName
    /// The policy by name; nil for the one called `default`.
    public var policy: PolicyName?
    /// How often the judge is tested on the version that runs already; nil for never.
    public var placebo: PlaceboSchedule?
    /// The canaries of a rollout's first step, where a person picks them; nil where they are drawn.
    public var canaries: PickedCanaries?

    /// Declares a deployment.
    public init(
        name: DeploymentName, selector: Selector, devices: [DeviceID]? = nil, model: ModelName, version: VersionName,
        policy: PolicyName? = nil, placebo: PlaceboSchedule? = nil, canaries: PickedCanaries? = nil
    ) {
        self.name = name
        self.selector = selector
        self.devices = devices
        self.model = model
        self.version = version
        self.policy = policy
        self.placebo = placebo
        self.canaries = canaries
    }

    /// The most devices that a deployment may name; a label finds more.
    public static let deviceLimit = 1000

    /// Whether a device with these labels is under the deployment.
    public func includes(_ id: DeviceID, labels: Labels) -> Bool {
        selector.matches(labels) && (devices?.contains(id) ?? true)
    }

    /// Which devices, for people: `every device`, `site=berlin`, or the ids of those that are named.
    public var whichDevices: String {
        guard let devices else { return selector.isEmpty ? "every device" : selector.description }
        let names =
            devices.prefix(3).map(\.rawValue).joined(separator: ", ")
            + (devices.count > 3 ? " and \(devices.count - 3) more" : "")
        return selector.isEmpty ? names : "\(selector): \(names)"
    }
}
