import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

@Suite struct OutboxTests {
    let disk = MemoryDisk()
    let model: ModelName

    init() throws {
        model = try ModelName("digits")
        for directory in StateLayout(model: model).directories { try disk.makeDirectories(directory) }
    }

    private func report(_ sequence: UInt64, _ outcome: AttemptReport.Outcome = .succeeded) -> AttemptReport {
        AttemptReport(
            assignment: 1, model: model, sequence: sequence, digest: nil, step: "report", outcome: outcome, at: 0)
    }

    @Test("reports wait on disk, oldest first, until they are acknowledged")
    func order() throws {
        let outbox = try Outbox(files: disk, reserved: 0)
        for _ in 1...3 { try outbox.put(report(outbox.reserve())) }
        #expect(try outbox.batch().reports.map(\.sequence) == [1, 2, 3])
        try outbox.acknowledge(through: 2, killSwitch: NoKillSwitch())
        let reopened = try Outbox(files: disk.afterPowerCut { _ in 0 }, reserved: 0)
        #expect(try reopened.batch().reports.map(\.sequence) == [3])
        #expect(reopened.reserve() == 4)
    }

    @Test("a number is never given out twice, even when nothing waits")
    func numbers() throws {
        let outbox = try Outbox(files: disk, reserved: 0)
        try outbox.put(report(outbox.reserve()))
        try outbox.acknowledge(through: 1, killSwitch: NoKillSwitch())
        #expect(try Outbox(files: disk, reserved: 0).reserve() == 2)
        #expect(try Outbox(files: disk, reserved: 7).reserve() == 8, "the journal promised 7")
    }

    @Test("nothing overtakes an outcome that was promised a number, not even after a start")
    func promise() throws {
        let outbox = try Outbox(files: disk, reserved: 0)
        try outbox.put(report(outbox.reserve(), .stepDone))
        let promised = outbox.promise()
        try outbox.put(report(outbox.reserve(), .stepDone))
        #expect(try outbox.batch().reports.map(\.sequence) == [1])
        let reopened = try Outbox(files: disk, reserved: promised)
        #expect(try reopened.batch().reports.map(\.sequence) == [1])
        try reopened.acknowledge(through: 1, killSwitch: NoKillSwitch())
        #expect(reopened.isEmpty, "a loop that sends must not turn in vain")
        try reopened.put(report(promised))
        #expect(try reopened.batch().reports.map(\.sequence) == [2, 3])
        outbox.releasePromise()
        #expect(try outbox.batch().reports.map(\.sequence) == [3], "what was acknowledged is gone from the disk")
    }

    @Test("a report that is written again is the same report, and one that was acknowledged never comes back")
    func again() throws {
        let outbox = try Outbox(files: disk, reserved: 0)
        try outbox.put(report(1))
        try outbox.put(report(1, .failed))
        #expect(try outbox.batch().reports.map(\.outcome) == [.succeeded])
        try outbox.acknowledge(through: 1, killSwitch: NoKillSwitch())
        try outbox.put(report(1))
        #expect(outbox.isEmpty)
    }

    @Test("a report whose reply was lost is sent again, and the controller has it once")
    func repeated() throws {
        let device = try Device()
        let version = try TestVersion("v1.0.0", model: device.model)
        device.controller.offer(version)
        device.order(1, run: version, fallback: nil)
        device.controller.state.withLock { $0.lostReplies = 2 }
        #expect(throws: ControllerFault.self) { try device.work() }
        let agent = try #require(device.agent)
        #expect(throws: ControllerFault.self) { try ReportLoop(agent).send() }
        try ReportLoop(agent).send()
        #expect(agent.outbox.isEmpty)
        #expect(device.controller.outcomes.map(\.outcome) == [.succeeded])
        #expect(device.controller.state.withLock { $0.receivedReports } == 3 * 8)
    }

    @Test("a full outbox drops the oldest step, never an outcome")
    func limit() throws {
        let outbox = try Outbox(files: disk, reserved: 0)
        try outbox.put(report(outbox.reserve(), .failed))
        for _ in 1...Outbox.limit { try outbox.put(report(outbox.reserve(), .stepDone)) }
        let waiting = try disk.list(StateLayout.outbox).filter { $0.name.hasSuffix(".ndjson") }
        #expect(waiting.count == Outbox.limit)
        #expect(try outbox.batch().reports.prefix(2).map(\.sequence) == [1, 3])
    }
}
