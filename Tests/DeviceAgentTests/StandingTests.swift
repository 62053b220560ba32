import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What a device keeps of what its controller said of its standing.
@Suite struct StandingTests {
    private let device: Device

    init() throws {
        device = try Device()
        try device.work()
    }

    private var note: StandingNote? {
        get throws { try StandingStore(files: device.disk).load() }
    }

    private func beat(_ loop: HeartbeatLoop, _ standing: DeviceStanding?) {
        var reply = HeartbeatReply(committedThrough: 0, assignment: 0, intervalSeconds: 1, now: 0)
        reply.standing = standing
        device.controller.state.withLock { $0.replies = [reply] }
        loop.beat(scrapeSeconds: 0)
    }

    @Test("a standing is kept while it holds, and gone with it")
    func told() throws {
        let loop = HeartbeatLoop(try #require(device.agent))
        beat(loop, DeviceStanding(.quarantined, reason: "two machines", since: Timestamp(milliseconds: 1), by: "x"))
        #expect(try note?.kind == "quarantined" && note?.reason == "two machines")
        beat(loop, nil)
        #expect(try note == nil)
    }

    @Test("an agent that was off when a person decided forgets what its predecessor was told")
    func restarted() throws {
        try StandingStore(files: device.disk).told(
            kind: "quarantined", reason: "two machines", at: Timestamp(milliseconds: 1))
        beat(HeartbeatLoop(try #require(device.agent)), nil)
        #expect(try note == nil)
    }
}
