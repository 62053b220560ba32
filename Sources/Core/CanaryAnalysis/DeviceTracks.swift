/// What happened to each device since the step's start, apart from its counts.
struct DeviceTracks: Sendable {
    /// So many silent ticks make a silence.
    static let silenceTicks = 3
    /// Missed heartbeats count up to here per device.
    static let missedLimit = 10

    /// One device.
    struct Track: Sendable {
        /// The tick of the first heartbeat after the start; its counts reach back before the start and are not judged.
        var firstHeard: Int?
        /// Ticks since the last heartbeat.
        var silentFor = 0
        var wasSilent = false
        var hasCrashed = false
        var hasFailedStart = false
        var missed = 0
        var commandedAt: Int?
        var isExposed = false
        var hasFailedUpdate = false
        var wasExposed = false

        /// True while the silence is that of an update: commanded, not exposed yet, and not for too long.
        func isSwapping(tick: Int, excuseTicks: Int) -> Bool {
            guard let commandedAt, !isExposed, !hasFailedUpdate else { return false }
            return tick - commandedAt <= excuseTicks
        }
    }

    private(set) var tracks: [Track]

    init(count: Int) {
        tracks = [Track](repeating: Track(), count: count)
    }

    /// Takes in a tick's observations.
    mutating func add(_ evidence: TickEvidence, tick: Int, excuseTicks: Int) {
        var observations = [DeviceObservation?](repeating: nil, count: tracks.count)
        for one in evidence.observations where one.device < tracks.count { observations[one.device] = one }
        for index in tracks.indices {
            if let one = observations[index] { tracks[index].note(one, tick: tick) }
            guard observations[index]?.wasHeard != true else {
                tracks[index].silentFor = 0
                tracks[index].firstHeard = tracks[index].firstHeard ?? tick
                continue
            }
            tracks[index].silentFor += 1
            guard !tracks[index].isSwapping(tick: tick, excuseTicks: excuseTicks) else { continue }
            tracks[index].missed = min(Self.missedLimit, tracks[index].missed + 1)
            if tracks[index].silentFor >= Self.silenceTicks { tracks[index].wasSilent = true }
        }
    }
}

extension DeviceTracks.Track {
    fileprivate mutating func note(_ one: DeviceObservation, tick: Int) {
        if one.isCommanded { commandedAt = commandedAt ?? tick }
        isExposed = one.isExposed
        if one.isExposed { wasExposed = true }
        if one.hasFailedUpdate { hasFailedUpdate = true }
        // What happened before the first heartbeat after the start may have happened before the start.
        guard firstHeard != nil else { return }
        if one.crashes > 0 { hasCrashed = true }
        if one.failedStarts > 0 { hasFailedStart = true }
    }
}
