import DeviceUpdates
import Fleet
import Synchronization

/// What the agent's loops tell each other: one struct behind one lock.
public final class AgentStatus: Sendable {
    /// The shared facts.
    struct Facts {
        var step: UpdateStep?
        var accepted: UInt64 = 0
        var updatingUntil: Timestamp?
        var problems: Set<String> = []
        /// Named metrics of the runtime that do not travel, because they are too many.
        var refusedMetrics = 0
        var lastContact: Timestamp?
        /// The number of the newest key set that the controller knows, as it says.
        var offeredKeySet: UInt64 = 0
        var hasSeenAssignments = false
        var isStopping = false
    }

    private let facts = Mutex(Facts())
    /// Rung when a heartbeat should go out at once.
    let heartbeatBell = Doorbell()
    /// Rung when a heartbeat went out or failed.
    let announcementBell = Doorbell()
    /// Rung when the outbox has something new.
    let reportBell = Doorbell()
    /// Rung when the update loop has something to look at.
    let updateBell = Doorbell()
    /// Rung when the controller has a newer assignment than the device.
    let assignmentBell = Doorbell()

    /// Makes the status of an agent that has just started.
    public init() {}

    var snapshot: Facts { facts.withLock { $0 } }

    /// Whether the agent is being stopped.
    public var isStopping: Bool { facts.withLock { $0.isStopping } }

    func change(_ body: (inout sending Facts) -> Void) {
        facts.withLock { body(&$0) }
    }

    /// Tells every loop to end.
    public func stop() {
        facts.withLock { $0.isStopping = true }
        for bell in [heartbeatBell, reportBell, updateBell, assignmentBell] { bell.ring() }
    }

    func setProblem(_ problem: FailureReason, present: Bool) { setProblem(named: problem.rawValue, present: present) }

    /// For problems that are no step's.
    func setProblem(named problem: String, present: Bool) {
        facts.withLock { facts in
            if present {
                facts.problems.insert(problem)
            } else {
                facts.problems.remove(problem)
            }
        }
    }
}
