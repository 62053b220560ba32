import ChildProcesses
import DeviceAgent
import Synchronization

/// The fault injection switch: ends the agent by SIGKILL at the point that `EDGE_AGENT_KILL_AT` names.
final class EnvironmentKillSwitch: KillSwitch {
    private let point: KillPoint?
    private let remaining: Mutex<Int>

    /// Reads `EDGE_AGENT_KILL_AT=<point>[:n]`; unset, the switch does nothing.
    ///
    /// - Throws: ``ConfigurationFaults`` for a point that does not exist.
    init(_ environment: [String: String]) throws {
        guard let text = environment["EDGE_AGENT_KILL_AT"], !text.isEmpty else {
            point = nil
            remaining = Mutex(0)
            return
        }
        let parts = text.split(separator: ":")
        guard let point = parts.first.flatMap({ KillPoint(rawValue: String($0)) }),
            let count = parts.count > 1 ? Int(parts[1]) : 1, count > 0
        else {
            let known = KillPoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationFaults(faults: ["EDGE_AGENT_KILL_AT=\(text) names none of \(known)"])
        }
        self.point = point
        remaining = Mutex(count)
    }

    func reached(_ point: KillPoint) {
        guard point == self.point else { return }
        let isTime = remaining.withLock { remaining in
            remaining -= 1
            return remaining == 0
        }
        if isTime { OwnProcess.killNow() }
    }
}
