public import CanaryAnalysis

/// What a rollout does whose fleet is too small for any test.
public struct RulesOutlook: Codable, Hashable, Sendable {
    /// How its steps are judged: by absolute rules.
    public var method: TestPlan.Method
    /// Devices, each of which is a step of its own.
    public var devices: Int
    /// Minutes for which each is watched.
    public var soakMinutes: Double
    /// Minutes until the last has kept the rules.
    public var totalMinutes: Double
    /// How many devices on the list a test needs with this policy; nil where it would take thousands.
    public var devicesNeeded: Int?
    /// The same in words.
    public var sentence: String

    /// Describes what a policy does with so many devices.
    ///
    /// - Parameters:
    ///   - policy: the policy.
    ///   - devices: devices on the first step's list.
    ///   - exposedFrom: the tick by which a canary is expected to run the new version.
    public init(_ policy: Policy, devices: Int, exposedFrom: Int) {
        method = .absolute
        self.devices = devices
        let ticks = max(policy.rulesPlan.soakTicks, exposedFrom)
        soakMinutes = Double(ticks) * policy.heartbeatSeconds / 60
        totalMinutes = soakMinutes * Double(devices)
        devicesNeeded = policy.devicesNeeded
        let each = Figure.span(soakMinutes * 60)
        let remedy = devicesNeeded.map { ": a test needs \($0) devices" } ?? ""
        sentence =
            "\(devices) \(devices == 1 ? "device is" : "devices are") too few for a test by this policy\(remedy). "
            + "The rollout goes on one device at a time, \(each) each, "
            + "\(Figure.span(totalMinutes * 60)) in all, judged by absolute rules (no crash, failed start, failed "
            + "update or silence, limits kept, not clearly worse than the device's own history); it "
            + "is labelled not proven"
    }
}
