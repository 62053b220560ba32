import Fleet
import Synchronization
import WireFormat

/// Takes heartbeats in: sharded memory, no database, no waiting.
///
/// What devices said since the last tick is drained by the tick and handed back where its commit failed. Only
/// ``markCommitted(_:)`` moves what replies acknowledge.
final class TelemetryIngest: Sendable {
    /// More shards than threads that take heartbeats, so that two rarely meet.
    private static let shardCount = 64

    private let shards: [Shard]

    /// Takes over what is stored; silence is counted from `now` on, because nobody listened before.
    init(_ stored: [StoredTelemetry] = [], at now: Timestamp) {
        shards = (0..<Self.shardCount).map { _ in Shard() }
        for telemetry in stored {
            withDevice(telemetry.device) { live in
                live.telemetry = telemetry
                if telemetry.lastHeartbeatAt != nil { live.status.lastHeartbeatAt = now }
            }
        }
    }

    /// Takes one heartbeat in and says what the device should know.
    func take(_ heartbeat: Heartbeat, from device: DeviceID, at now: Timestamp) -> HeartbeatReply {
        withDevice(device) { $0.take(heartbeat, at: now) }
    }

    /// Takes in when a series counted what came late; returns how many points were used.
    func take(_ history: HistoryUpload, from device: DeviceID, at now: Timestamp) -> Int {
        withDevice(device) { $0.take(history, at: now) }
    }

    /// Tells what replies should carry from now on.
    func setGuidance(_ guidance: DeviceGuidance, for device: DeviceID) {
        withDevice(device) { live in
            live.guidance = guidance
            // A device that has not been heard yet was told nothing else.
            if live.isUnheard { live.status.intervalSeconds = guidance.intervalSeconds }
        }
    }

    /// What a device last said about itself.
    func status(of device: DeviceID) -> DeviceStatus {
        withDevice(device) { $0.status }
    }

    /// What is counted of a device.
    func telemetry(of device: DeviceID) -> StoredTelemetry {
        withDevice(device) { $0.telemetry }
    }

    /// Forgets which processes spoke for a device.
    func forgetProcesses(of device: DeviceID) {
        withDevice(device) { $0.forgetProcesses() }
    }

    /// Forgets a device.
    func remove(_ device: DeviceID) {
        shard(of: device).devices.withLock { $0[device] = nil }
    }

    /// Takes out everything that came in since the last drain.
    func drain(at now: Timestamp) -> [DrainedDevice] {
        var drained: [DrainedDevice] = []
        for shard in shards {
            shard.devices.withLock { devices in
                for id in devices.keys {
                    if let one = devices[id]?.drain(at: now) { drained.append(one) }
                }
            }
        }
        return drained.sorted { $0.device < $1.device }
    }

    /// Puts drained counts back, because their commit failed.
    func restore(_ drained: [DrainedDevice]) {
        for one in drained { withDevice(one.device) { $0.restore(one) } }
    }

    /// The drained records are stored for good: replies may acknowledge them.
    func markCommitted(_ drained: [DrainedDevice]) {
        for one in drained {
            withDevice(one.device) { $0.committed = one.counted }
        }
    }

    private func shard(of device: DeviceID) -> Shard {
        shards[Int(UInt(bitPattern: device.hashValue) % UInt(Self.shardCount))]
    }

    private func withDevice<Result: Sendable>(_ device: DeviceID, _ body: (inout LiveDevice) -> Result) -> Result {
        shard(of: device).devices.withLock { body(&$0[device, default: LiveDevice(device)]) }
    }

    private final class Shard: Sendable {
        let devices = Mutex<[DeviceID: LiveDevice]>([:])
    }
}

/// What heartbeat replies tell a device.
struct DeviceGuidance: Sendable {
    /// Its newest assignment's number.
    var assignment: UInt64 = 0
    /// Seconds between heartbeats.
    var intervalSeconds = 60.0
}

/// What a device last said about itself.
struct DeviceStatus: Sendable {
    /// When it was last heard, or when the controller began to listen to a device it knew before.
    var lastHeartbeatAt: Timestamp?
    var slots: [SlotStatus] = []
    var problems: [String] = []
    /// The number of the key set that it follows; nil where it does not say so.
    var keySet: UInt64?
    /// Until when its silence is excused, on the controller's clock.
    var updatingUntil: Timestamp?
    /// The interval it was told.
    var intervalSeconds = 60.0

    /// How the device's silence is shown.
    func connectivity(at now: Timestamp) -> Connectivity {
        Connectivity(silenceSeconds: lastHeartbeatAt.map { now.seconds(since: $0) }, intervalSeconds: intervalSeconds)
    }
}

/// What one device said since the last tick.
///
/// A reference, because a tick sorts and passes along one of every device that was heard.
final class DrainedDevice: Sendable {
    let device: DeviceID
    /// Its record, complete, as it is to be stored.
    let telemetry: StoredTelemetry
    let status: DeviceStatus
    let news: DeviceNews
    /// The newest heartbeat all of whose series are in the record: what may be acknowledged once it is stored.
    let counted: (boot: Int64, sequence: UInt64)
    /// How two machines were seen to use the one identity; nil where none were.
    let twin: TwinFinding?

    init(
        telemetry: StoredTelemetry, status: DeviceStatus, news: DeviceNews, counted: (boot: Int64, sequence: UInt64),
        twin: TwinFinding?
    ) {
        device = telemetry.device
        self.telemetry = telemetry
        self.status = status
        self.news = news
        self.counted = counted
        self.twin = twin
    }
}

/// The part of a drain that is new.
struct DeviceNews: Sendable {
    /// New heartbeats; repeated and late ones do not count.
    var heartbeats = 0
    /// New counts per version.
    var counts: [RuntimeVersion: RuntimeTotals] = [:]
    /// New crashes by model.
    var crashes: [ModelName: UInt64] = [:]
    /// New failed starts by model.
    var failedStarts: [ModelName: UInt64] = [:]
    /// Series that were counted from before the device's agent last started: they arrive late.
    var lateSeries: UInt64 = 0
    /// Ends of runtimes with requests that nobody may have counted.
    var gaps: UInt64 = 0

    mutating func add(_ other: DeviceNews) {
        heartbeats += other.heartbeats
        lateSeries += other.lateSeries
        gaps += other.gaps
        counts.merge(other.counts) { $0.adding($1) }
        crashes.merge(other.crashes) { $0 &+ $1 }
        failedStarts.merge(other.failedStarts) { $0 &+ $1 }
    }
}

/// A model's version by digest: what counts are kept per.
struct RuntimeVersion: Hashable, Sendable {
    let model: ModelName
    let digest: Digest
}
