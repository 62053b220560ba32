/// How a device's silence is shown; the judge counts its own silence (3 ticks).
public enum Connectivity: String, CaseIterable, Codable, Hashable, Sendable {
    /// Heard from within 2.5 heartbeat intervals.
    case online
    /// Silent for 2.5 intervals.
    case suspect
    /// Silent for 3.5 intervals and more, or never heard from.
    case offline
    /// Taken out of service by a person; it may not come back under this identity.
    case retired

    /// What a device is shown as after so long a silence.
    ///
    /// - Parameters:
    ///   - silenceSeconds: since the last heartbeat arrived; nil when there never was one.
    ///   - intervalSeconds: the heartbeat interval the device was told.
    public init(silenceSeconds: Double?, intervalSeconds: Double) {
        guard let silenceSeconds else {
            self = .offline
            return
        }
        if silenceSeconds < 2.5 * intervalSeconds {
            self = .online
        } else if silenceSeconds < 3.5 * intervalSeconds {
            self = .suspect
        } else {
            self = .offline
        }
    }
}
