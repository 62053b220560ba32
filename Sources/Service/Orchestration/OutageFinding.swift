import CanaryAnalysis
import Fleet
import Rollouts

/// A mass silence that no version explains: the network or a site is away, so nothing is decided.
///
/// Mass silence is 30 % of a site of at least five devices, or 10 % of all devices on the rollout's lists (at least
/// three); unless silence is at least three times likelier on exposed devices: then it is the version's.
struct OutageFinding {
    let grounds: Grounds

    init?(_ tracked: TrackedRollout, now: Timestamp, _ surroundings: TickSurroundings) {
        let interval = tracked.rollout.policy.heartbeatSeconds
        var everywhere = Scope()
        var sites: [String: Scope] = [:]
        for (device, site) in tracked.sites {
            let status = surroundings.status(device)
            let isExcused = status.updatingUntil.map { $0 > now } ?? false
            let silence = status.lastHeartbeatAt.map { now.seconds(since: $0) } ?? .infinity
            let isSilent = silence > 3 * max(interval, status.intervalSeconds) && !isExcused
            let isExposed = tracked.rollout.members[device]?.wasCommanded == true
            everywhere.add(isSilent, isExposed: isExposed)
            if let site { sites[site, default: Scope()].add(isSilent, isExposed: isExposed) }
        }
        if everywhere.silent >= 3, everywhere.isSilent(share: 0.1) {
            grounds = Self.grounds(everywhere, of: "devices")
        } else if let (site, scope) = sites.sorted(by: { $0.key < $1.key }).first(where: { $0.value.isOutageOfSite }) {
            grounds = Self.grounds(scope, of: "devices of site \(site)")
        } else {
            return nil
        }
    }

    private static func grounds(_ scope: Scope, of what: String) -> Grounds {
        Grounds(
            cause: .outage, reason: "mass_silence",
            sentence:
                "\(scope.silent) of \(scope.devices) \(what) are silent on both versions alike: an outage of network "
                + "or site; nothing is decided until they are back")
    }

    /// The devices of a site, or all of them.
    private struct Scope {
        private var exposed = Silence()
        private var others = Silence()

        var silent: Int { exposed.silent + others.silent }
        var devices: Int { exposed.devices + others.devices }
        var isOutageOfSite: Bool { devices >= 5 && isSilent(share: 0.3) }

        mutating func add(_ isSilent: Bool, isExposed: Bool) {
            if isExposed { exposed.add(isSilent) } else { others.add(isSilent) }
        }

        /// Whether so many are silent, and not the exposed ones above all.
        func isSilent(share: Double) -> Bool {
            silent > 0 && Double(silent) >= share * Double(devices) && exposed.share < 3 * others.share
        }
    }

    private struct Silence {
        private(set) var devices = 0
        private(set) var silent = 0
        var share: Double { devices == 0 ? 0 : Double(silent) / Double(devices) }

        mutating func add(_ isSilent: Bool) {
            devices += 1
            if isSilent { silent += 1 }
        }
    }
}

extension TrackedRollout {
    /// Every device on the list of a drawn step, with its site where it has one.
    fileprivate var sites: [DeviceID: String?] {
        var sites: [DeviceID: String?] = [:]
        for (judge, list) in zip(judges, lists) {
            for (device, listed) in zip(judge.experiment.devices, list) { sites[listed] = .some(device.labels["site"]) }
        }
        return sites
    }
}
