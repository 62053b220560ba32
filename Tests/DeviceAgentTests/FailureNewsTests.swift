import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What the agent's log says while calls to the controller fail.
@Suite struct FailureNewsTests {
    private let device: Device

    /// How calls end, one after the other, nil where one succeeds: the controller restarts, does not know the device
    /// any more, takes it in again, and so on.
    private let course: [ControllerFault?] = [
        .unreachable("connection refused"), .unreachable("connection refused"), .unavailable("502"),
        .unreachable("connection refused"), .refused(status: 401, "credential_unknown"),
        .refused(status: 401, "credential_unknown"), .refused(status: 403, "device_revoked"), nil,
        .refused(status: 401, "credential_unknown"), .unreachable("connection refused"),
    ]

    /// The failures of the course that are said.
    private let said = [
        "connection refused", "502", "credential_unknown", "device_revoked", "credential_unknown",
        "connection refused",
    ]

    init() throws {
        device = try Device()
        try device.work()
    }

    private func lines(_ event: String) -> [String] {
        device.log.lines.withLock { $0 }.filter { $0.hasPrefix("warning \(event) ") }
    }

    /// Whether there is a line for each failure that is said, in their order.
    private func matches(_ lines: [String]) -> Bool {
        lines.count == said.count && zip(lines, said).allSatisfy { $0.contains($1) }
    }

    @Test("a heartbeat that fails for another reason than before is said again")
    func heartbeats() throws {
        let loop = HeartbeatLoop(try #require(device.agent))
        for fault in course {
            device.controller.state.withLock { $0.fault = fault }
            loop.beat(scrapeSeconds: 0)
        }
        #expect(matches(lines("heartbeat_failed")), "\(lines("heartbeat_failed"))")
    }

    @Test("so is a request for assignments")
    func assignments() throws {
        let agent = try #require(device.agent)
        let loop = AssignmentLoop(agent)
        for fault in course {
            device.controller.state.withLock { $0.fault = fault }
            agent.status.assignmentBell.ring()
            loop.turn()
        }
        #expect(matches(lines("assignments_unavailable")), "\(lines("assignments_unavailable"))")
    }

    @Test("so is a batch of reports")
    func reports() throws {
        let agent = try #require(device.agent)
        let loop = ReportLoop(agent)
        for fault in course {
            device.controller.state.withLock { $0.fault = fault }
            try agent.outbox.put(
                AttemptReport(
                    assignment: 1, model: device.model, sequence: agent.outbox.reserve(), digest: nil,
                    step: "report", outcome: .stepDone, at: 0))
            agent.status.reportBell.ring()
            loop.turn()
        }
        #expect(matches(lines("reports_not_sent")), "\(lines("reports_not_sent"))")
    }

    @Test("what is not the controller's fault has a kind of its own")
    func others() {
        var news = FailureNews()
        let failures: [any Error] = [
            ControllerFault.busy("later", seconds: 1),
            StorageFault(operation: "write", path: "journal", reason: "no space"),
            StorageFault(operation: "write", path: "floors", reason: "no space"),
            ControllerFault.busy("later again", seconds: 2),
        ]
        #expect(failures.map { news.isNews($0) } == [true, true, false, false])
    }
}
