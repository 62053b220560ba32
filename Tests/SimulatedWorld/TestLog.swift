import DeviceAgent
import Orchestration
import Synchronization

/// Keeps events for a failed test to show.
final class TestLog: AgentLog, OrchestratorLog {
    let lines = Mutex<[String]>([])

    func note(_ level: AgentLogLevel, _ event: String, _ details: [String: String]) {
        lines.withLock { $0.append("\(level) \(event) \(details)") }
    }

    func info(_ event: String, _ facts: [String: String]) { note(.info, event, facts) }
    func warning(_ event: String, _ facts: [String: String]) { note(.warning, event, facts) }
    func error(_ event: String, _ facts: [String: String]) { note(.error, event, facts) }
}
