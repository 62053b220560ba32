/// Events that are rows of the test: they happen to devices, not to requests.
enum EventKind: String, CaseIterable {
    /// Silent for three ticks at some time since the start, the time of an update excused.
    case silence
    /// The runtime crashed.
    case crashes
    /// The runtime did not become healthy.
    case failedStarts = "failed_starts"
    /// Heartbeats missed, at most ten per device.
    case completeness

    /// The row's name.
    var test: String {
        switch self {
        case .silence: "silent for 3 ticks since start"
        case .crashes: "crashed since start"
        case .failedStarts: "failed to start since start"
        case .completeness: "heartbeats missed since start"
        }
    }

    /// What one device adds.
    func count(_ track: DeviceTracks.Track) -> Int {
        switch self {
        case .silence: track.wasSilent ? 1 : 0
        case .crashes: track.hasCrashed ? 1 : 0
        case .failedStarts: track.hasFailedStart ? 1 : 0
        case .completeness: track.missed
        }
    }
}
