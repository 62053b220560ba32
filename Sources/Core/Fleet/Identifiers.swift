/// The subject of ``DeviceID``.
public enum DeviceSubject: NameSubject {
    /// The word in errors.
    public static let noun = "device id"
    /// Long enough for a serial number or a UUID.
    public static let limitBytes = 64
}

/// The subject of ``ModelName``.
public enum ModelSubject: NameSubject {
    /// The word in errors.
    public static let noun = "model name"
    /// The longest name.
    public static let limitBytes = 64
}

/// The subject of ``VersionName``.
public enum VersionSubject: NameSubject {
    /// The word in errors.
    public static let noun = "version"
    /// The longest name.
    public static let limitBytes = 64
}

/// The subject of ``DeploymentName``.
public enum DeploymentSubject: NameSubject {
    /// The word in errors.
    public static let noun = "deployment name"
    /// The longest name.
    public static let limitBytes = 64
}

/// The subject of ``PolicyName``.
public enum PolicySubject: NameSubject {
    /// The word in errors.
    public static let noun = "policy name"
    /// The longest name.
    public static let limitBytes = 64
}

/// The subject of ``RolloutID``.
public enum RolloutSubject: NameSubject {
    /// The word in errors.
    public static let noun = "rollout id"
    /// The longest id.
    public static let limitBytes = 100
}

/// The identity of one device; unique in the fleet and never reused.
public typealias DeviceID = Name<DeviceSubject>
/// The name of a model, such as `object_detector`.
public typealias ModelName = Name<ModelSubject>
/// The name of a version of a model, such as `v2.0.0`; what it stands for is fixed by its digest.
public typealias VersionName = Name<VersionSubject>
/// The name of a deployment.
public typealias DeploymentName = Name<DeploymentSubject>
/// The name of a policy.
public typealias PolicyName = Name<PolicySubject>
/// The id of a rollout: the deployment's name and a running number, such as `digits-2`.
public typealias RolloutID = Name<RolloutSubject>

extension Name where Subject == DeviceSubject {
    private static let uriPrefix = "urn:edge:device:"

    /// What the device is called in a certificate: `urn:edge:device:<id>`.
    public var uri: String { Self.uriPrefix + rawValue }

    /// Reads such a name; nil for any other text.
    public init?(uri: String) {
        guard uri.hasPrefix(Self.uriPrefix) else { return nil }
        self.init(rawValue: String(uri.dropFirst(Self.uriPrefix.count)))
    }
}
