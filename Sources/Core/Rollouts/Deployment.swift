public import Fleet

/// A standing declaration: which devices run which version of a model, and by which policy that changes.
public struct Deployment: Codable, Hashable, Sendable {
    /// The deployment's name.
    public var name: DeploymentName
    /// Which devices; an empty selector means all.
    public var selector: Selector
    /// Which model.
    public var model: ModelName
    /// The wanted version.
    public var version: VersionName
    /// The policy by name; nil for the product's default policy.
    public var policy: PolicyName?
    /// How often the judge is tested on the version that runs already; nil for never.
    public var placebo: PlaceboSchedule?
    /// The canaries of a rollout's first step, where a person picks them; nil where they are drawn.
    public var canaries: PickedCanaries?

    /// Declares a deployment.
    public init(
        name: DeploymentName, selector: Selector, model: ModelName, version: VersionName, policy: PolicyName? = nil,
        placebo: PlaceboSchedule? = nil, canaries: PickedCanaries? = nil
    ) {
        self.name = name
        self.selector = selector
        self.model = model
        self.version = version
        self.policy = policy
        self.placebo = placebo
        self.canaries = canaries
    }
}
