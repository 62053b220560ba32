import DeviceUpdates
import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What never goes back, and when a device goes back by itself.
@Suite struct FloorTests {
    let device: Device
    let v1: TestVersion
    let v2: TestVersion

    init() throws {
        device = try Device()
        v1 = try TestVersion("v1.0.0", model: device.model)
        v2 = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(v1)
        device.controller.offer(v2)
        device.order(1, run: v1, fallback: nil)
        try device.work()
        device.order(5, run: v2, fallback: v1)
        try device.work()
    }

    @Test(
        "an assignment with a number that was seen is a replay and changes nothing", arguments: [1, 4, 5] as [UInt64])
    func replay(number: UInt64) throws {
        device.order(number, run: v1, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(device.controller.outcomes.count == 2)
    }

    @Test("a lost journal opens no door to replays")
    func lostJournal() throws {
        for slot in StateLayout.journal { try device.disk.remove(slot) }
        device.order(4, run: v1, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(try FloorStore(files: device.disk).floors.assignment == 5)
    }

    @Test("a torn journal slot costs the newer record only")
    func tornJournal() throws {
        for slot in StateLayout.journal {
            let disk = device.disk.afterPowerCut { $0 }
            try disk.write(slot, [0xFF, 1, 2], isSecret: false)
            #expect(try JournalStore(files: disk).last.accepted == 5)
        }
    }

    @Test("an assignment for another device or with a broken signature is refused, and said once")
    func foreign() throws {
        try device.offerForeignAssignment(number: 9)
        try device.work()
        try device.work()
        #expect(try device.local.current == v2.digest)
        let refused = device.controller.outcomes.filter { $0.assignment == 9 }
        #expect(refused.allSatisfy { $0.outcome == .rejected && $0.reason == "assignment_invalid" })
        #expect(!refused.isEmpty)
    }

    // MARK: - Going back alone

    @Test("a version that was never promoted is left after a day without the controller, and reported when it is back")
    func contactLost() throws {
        device.lastContact = device.clock.now
        device.clock.pause(seconds: OfflineFallback.limitSeconds - 60)
        try device.idle()
        #expect(try device.local.current == v2.digest)
        device.clock.pause(seconds: 120)
        device.controller.state.withLock { $0.isAway = true }
        #expect(throws: ControllerFault.self) { try device.idle() }
        #expect(try device.local.current == v1.digest)
        #expect(device.runtime.state.withLock { $0.serving } == v1.digest)
        device.controller.state.withLock { $0.isAway = false }
        try device.idle()
        let last = try #require(device.controller.outcomes.last)
        #expect(last.outcome == .rolledBack && last.reason == "contact_lost" && last.assignment == 5)
        #expect(try !QuarantineStore(files: device.disk).holds(v2.digest, assignment: 5), "the version is not to blame")
    }

    @Test("the last contact is remembered across starts")
    func contactAcrossStarts() throws {
        device.lastContact = device.clock.now
        try device.idle()
        device.lastContact = nil
        device.clock.pause(seconds: OfflineFallback.limitSeconds + 700)
        try device.work()
        try device.idle()
        #expect(try device.local.current == v1.digest)
    }

    @Test("a version that is its own fallback is served without contact for ever")
    func promoted() throws {
        device.order(6, run: v2, fallback: v2)
        try device.work()
        device.lastContact = device.clock.now
        device.clock.pause(seconds: 30 * OfflineFallback.limitSeconds)
        try device.idle()
        #expect(try device.local.current == v2.digest)
        #expect(try device.local.lastKnownGood == v2.digest)
    }

    @Test("a runtime that keeps crashing later on sends the device back")
    func unstableLater() throws {
        device.runtime.state.withLock { $0.isUnstable = true }
        try device.idle()
        #expect(try device.local.current == v1.digest)
        let last = try #require(device.controller.outcomes.last)
        #expect(last.outcome == .rolledBack && last.reason == "runtime_crashed")
        #expect(try QuarantineStore(files: device.disk).holds(v2.digest, assignment: 5))
    }
}
