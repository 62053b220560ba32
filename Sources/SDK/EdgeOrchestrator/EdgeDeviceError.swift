/// Why a device cannot do what it was asked; each says what to do, and none holds a secret.
public enum EdgeDeviceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The device has no credential here yet.
    case notRegistered(device: String)
    /// There is no enrolment token, or it cannot be used.
    case tokenUnusable(reason: String)
    /// The file with the device's credential cannot be used.
    case stateUnusable(String, reason: String)
    /// The device is registered with another controller.
    case otherController(registered: String, asked: String)
    /// What the controller sent is not signed by a key that the enrolment token names.
    case notTrusted(reason: String)
    /// A file cannot be written, or is there already.
    case fileUnusable(String, reason: String)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .notRegistered(let device):
            "device \(device) is not registered from here: call register() first"
        case .tokenUnusable(let reason):
            "\(reason); `edgectl token create` makes an enrolment token: give it as an argument, in a file named by "
                + "EDGE_ENROLMENT_TOKEN_FILE, or in EDGE_ENROLMENT_TOKEN"
        case .stateUnusable(let path, let reason):
            "the device's state in \(path) cannot be used: \(reason); restore it, or retire the device and register "
                + "it under another id"
        case .otherController(let registered, let asked):
            "the device is registered with \(registered), not with \(asked); use that address, or another state "
                + "directory"
        case .notTrusted(let reason):
            "\(reason); nothing of it was used"
        case .fileUnusable(let path, let reason):
            "\(path): \(reason)"
        }
    }
}
