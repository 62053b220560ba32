import Fleet
import Rollouts

/// A mass silence that no version explains: the network or a site is away, so nothing is decided.
///
/// Mass silence is 30 % of a site of at least five devices, or 10 % of the fleet (at least three devices); unless silence
/// is at least three times likelier on exposed devices: then it is the version's.
struct OutageFinding {
    let grounds: Grounds

    init?(_ tracked: TrackedRollout, now: Timestamp, _ surroundings: TickSurroundings) {
        let interval = tracked.rollout.policy.heartbeatSeconds
        var listed: Set<DeviceID> = []
        for list in tracked.lists { listed.formUnion(list) }
        var exposed = Silence()
        var others = Silence()
        for device in listed {
            let status = surroundings.status(device)
            let isExcused = status.updatingUntil.map { $0 > now } ?? false
            let silence = status.lastHeartbeatAt.map { now.seconds(since: $0) } ?? .infinity
            let isSilent = silence > 3 * max(interval, status.intervalSeconds) && !isExcused
            if tracked.rollout.members[device]?.wasCommanded == true {
                exposed.add(isSilent)
            } else {
                others.add(isSilent)
            }
        }
        let silent = exposed.silent + others.silent
        let all = exposed.devices + others.devices
        guard silent >= 3, Double(silent) >= 0.1 * Double(all) else { return nil }
        guard exposed.share < 3 * others.share else { return nil }
        grounds = Grounds(
            cause: .outage, reason: "mass_silence",
            sentence: "\(silent) of \(all) devices are silent on both versions alike: an outage of network or site; "
                + "nothing is decided until they are back")
    }

    private struct Silence {
        var devices = 0
        var silent = 0
        var share: Double { devices == 0 ? 0 : Double(silent) / Double(devices) }

        mutating func add(_ isSilent: Bool) {
            devices += 1
            if isSilent { silent += 1 }
        }
    }
}
