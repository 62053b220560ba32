public import Fleet

/// Sends one device back to an earlier version of a model.
public struct DeviceRollbackRequest: Codable, Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The version to return to.
    public var version: VersionName
    /// Why; required, 1 to 500 characters, kept in the audit log.
    public var reason: String

    /// Makes a request.
    public init(model: ModelName, version: VersionName, reason: String) {
        self.model = model
        self.version = version
        self.reason = reason
    }
}
