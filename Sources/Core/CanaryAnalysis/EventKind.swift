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

    /// The row of every unit: what its devices add up to; of units that are not devices against what their size makes
    /// one expect, weighted as counts of failures are.
    func scores(_ tracks: [DeviceTracks.Track], by units: Units?) -> ScoreRow {
        guard let units else { return tracks.map { Int64(count($0)) << 20 } }
        let counts = tracks.map { Double(count($0)) }
        let mean = counts.reduce(0, +) / Double(max(1, counts.count))
        return CountScores(observed: units.sums(counts), expected: units.sizes.map { Double($0) * mean }).weighted()
    }
}
