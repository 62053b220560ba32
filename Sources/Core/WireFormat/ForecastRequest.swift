public import Rollouts

/// A plan to be forecast: a deployment as it would be applied.
public struct ForecastRequest: Codable, Hashable, Sendable {
    /// The deployment.
    public var deployment: Deployment
    /// Its policy, where it is not applied yet; nil for the one the deployment names.
    public var policy: Policy?
    /// How many rollouts a year false rollbacks are counted over; nil for one a week of every deployment.
    public var rolloutsPerYear: Double?

    /// Makes a request.
    public init(deployment: Deployment, policy: Policy? = nil, rolloutsPerYear: Double? = nil) {
        self.deployment = deployment
        self.policy = policy
        self.rolloutsPerYear = rolloutsPerYear
    }
}
