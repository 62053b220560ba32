import DeviceAgent
import Fleet
import Orchestration
import Synchronization

/// Time that passes only when somebody says so, shared by a controller and its devices.
final class TestTime: Sendable {
    static let start = Timestamp(milliseconds: 1_800_000_000_000)

    private let elapsed = Mutex<Int64>(0)

    var now: Timestamp { Timestamp(milliseconds: Self.start.milliseconds + elapsed.withLock { $0 }) }
    var uptimeSeconds: Double { Double(elapsed.withLock { $0 }) / 1000 }

    func pass(seconds: Double) { elapsed.withLock { $0 += Int64(seconds * 1000) } }
}

/// The controller's view of it.
struct ControllerTime: OrchestratorClock {
    let time: TestTime

    func now() -> Timestamp { time.now }
}

/// A device's view of it: its wall clock may be wrong, and a pause takes no time that others notice.
final class DeviceTime: AgentClock {
    private let time: TestTime
    private let state = Mutex((offset: Int64(0), paused: 0.0))

    init(_ time: TestTime) { self.time = time }

    var now: Timestamp { Timestamp(milliseconds: time.now.milliseconds + state.withLock { $0.offset }) }
    var uptimeSeconds: Double { time.uptimeSeconds + state.withLock { $0.paused } }

    func pause(seconds: Double) { state.withLock { $0.paused += max(seconds, 0.001) } }

    /// Sets the wall clock wrong by so much.
    func setOffset(milliseconds: Int64) { state.withLock { $0.offset = milliseconds } }
}
