public import Fleet

/// When a device leaves an unproven version by itself for want of its controller.
///
/// Rule: a version that was never promoted is not served for more than a day without contact. Why: the judge that
/// could have taken it back cannot reach the device. Otherwise a bad version would stay wherever the network failed.
public enum OfflineFallback {
    /// How long an unproven version may serve without contact, seconds.
    public static let limitSeconds: Double = 24 * 3600

    /// Whether it is time to return to the last known good.
    ///
    /// - Parameters:
    ///   - local: what is on the device.
    ///   - lastContact: the last answer of the controller.
    public static func isDue(local: LocalVersions, lastContact: Timestamp, now: Timestamp) -> Bool {
        local.isUnproven && now.seconds(since: lastContact) >= limitSeconds
    }
}
