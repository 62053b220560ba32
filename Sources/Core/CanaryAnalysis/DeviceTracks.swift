/// What happened to each device since the step's start, apart from what it measured.
struct DeviceTracks: Sendable {
    /// So many silent ticks make a silence.
    static let silenceTicks = 3
    /// Missed heartbeats count up to here per device.
    static let missedLimit = 10
    /// So many ticks after its first heartbeat a device's window begins: what it measured before reaches back before
    /// the start.
    static let warmUpTicks = 1

    /// One device.
    struct Track: Sendable {
        /// The tick of the first heartbeat after the start.
        var firstHeard: Int?
        /// The tick of the last heartbeat; 0 for none since the start.
        var lastHeard = 0
        /// Ticks since the last heartbeat.
        var silentFor = 0
        var wasSilent = false
        var hasCrashed = false
        var hasFailedStart = false
        var missed = 0
        var commandedAt: Int?
        /// The first tick at whose end it ran the new version.
        var exposedAt: Int?
        var isExposed = false
        var isExcused = false
        var hasFailedUpdate = false

        var wasExposed: Bool { exposedAt != nil }

        /// True while the silence is that of an update: it began after the command and before the exposure, and has not
        /// lasted too long, or not longer than was announced.
        func isSwapping(tick: Int, excuseTicks: Int) -> Bool {
            guard let commandedAt, !hasFailedUpdate else { return false }
            let beganAfterCommand = lastHeard + 1 >= commandedAt
            let beganBeforeExposure = exposedAt.map { $0 > lastHeard } ?? true
            guard beganAfterCommand, beganBeforeExposure else { return false }
            return silentFor <= excuseTicks || isExcused
        }

        /// True where the window has begun at a tick.
        func isCounted(tick: Int) -> Bool {
            firstHeard.map { $0 + DeviceTracks.warmUpTicks < tick } ?? false
        }
    }

    private(set) var tracks: [Track]

    init(count: Int) {
        tracks = [Track](repeating: Track(), count: count)
    }

    /// Takes in a tick's observations and returns how many ticks the measurements of each device cover.
    mutating func add(_ evidence: TickEvidence, tick: Int, excuseTicks: Int) -> [Int] {
        var places = [Int32](repeating: -1, count: tracks.count)
        for (place, one) in evidence.observations.enumerated() where one.device < tracks.count {
            places[one.device] = Int32(place)
        }
        var covered = [Int](repeating: 1, count: tracks.count)
        for index in tracks.indices {
            let place = Int(places[index])
            if place >= 0 { tracks[index].note(evidence.observations[place], tick: tick) }
            guard place < 0 || !evidence.observations[place].wasHeard else {
                covered[index] = tracks[index].silentFor + 1
                tracks[index].silentFor = 0
                tracks[index].lastHeard = tick
                tracks[index].firstHeard = tracks[index].firstHeard ?? tick
                continue
            }
            tracks[index].silentFor += 1
            guard !tracks[index].isSwapping(tick: tick, excuseTicks: excuseTicks) else { continue }
            tracks[index].missed = min(Self.missedLimit, tracks[index].missed + 1)
            if tracks[index].silentFor >= Self.silenceTicks { tracks[index].wasSilent = true }
        }
        return covered
    }
}

extension DeviceTracks.Track {
    fileprivate mutating func note(_ one: DeviceObservation, tick: Int) {
        if one.isCommanded { commandedAt = commandedAt ?? tick }
        isExposed = one.isExposed
        isExcused = one.isExcused
        if one.isExposed { exposedAt = exposedAt ?? tick }
        if one.hasFailedUpdate { hasFailedUpdate = true }
        // What happened before the first heartbeat after the start may have happened before the start.
        guard firstHeard != nil else { return }
        if one.crashes > 0 { hasCrashed = true }
        if one.failedStarts > 0 { hasFailedStart = true }
    }
}
