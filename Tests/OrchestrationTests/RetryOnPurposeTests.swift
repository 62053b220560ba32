import Fleet
import ModelTrust
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Which assignments say that a device shall try again what failed on it.
@Suite struct RetryOnPurposeTests {
    private let world: World

    init() throws {
        world = try World()
        try world.settle(devices: 12)
    }

    private func slot(_ id: String) throws -> StoredSlot {
        try #require(world.controller.state.devices[try DeviceID(id)]?.slots.first)
    }

    /// The slots of the devices that are told to run a version.
    private func ordered(_ version: Int) throws -> [StoredSlot] {
        try world.assigned(version).map { try slot($0.rawValue) }
    }

    private func retry(_ id: String) throws {
        _ = try world.controller.decide(
            DeviceDecision(.retry, reason: "mended"), on: try DeviceID(id), by: world.person)
    }

    @Test func `a version's first rollout is no retry; the return from it is, and so is the next one of it`() throws {
        try world.want(2)
        try world.run(2)
        #expect(try ordered(2).count == 4 && ordered(2).allSatisfy { $0.retry == nil })
        let canaries = try world.assigned(2)
        try world.order(.rollback)
        #expect(try canaries.map { try slot($0.rawValue) }.allSatisfy { $0.retry == $0.number })
        try world.run(5)
        #expect(world.rollout?.state == .rolledBack)
        try world.order(.retry)
        try world.run(2)
        #expect(try ordered(2).count == 4 && ordered(2).allSatisfy { $0.retry == $0.number })
        // The promotion numbers anew and orders nothing anew: the mark stays where it was.
        let before = try slot(try #require(try world.assigned(2).first?.rawValue))
        try world.order(.promote)
        try world.run(30)
        #expect(world.rollout?.state == .completed)
        let after = try slot(try #require(canariesAfter(before)))
        #expect(after.number > before.number && after.retry == before.retry)
    }

    private func canariesAfter(_ slot: StoredSlot) -> String? {
        world.controller.state.devices.values.first { $0.slots.first?.retry == slot.retry }?.id.rawValue
    }

    @Test func `a version that is wanted again after another one is meant`() throws {
        try world.want(2)
        try world.run(2)
        try world.want(3)
        try world.run(2)
        #expect(try ordered(3).allSatisfy { $0.retry == nil })
        try world.want(2)
        try world.run(2)
        #expect(try !ordered(2).isEmpty && ordered(2).allSatisfy { $0.retry == $0.number })
    }

    @Test func `a device that comes late is not asked to try again`() throws {
        try world.enrol(1)
        #expect(try slot("d112").run == world.versions[0] && slot("d112").retry == nil)
    }

    @Test func `a person has one device try again, whatever number it had; the assignment says so, signed`() throws {
        let before = try slot("d100")
        try retry("d100")
        let after = try slot("d100")
        #expect(after.run == before.run && after.number == before.number + 1 && after.retry == after.number)
        let device = try #require(world.controller.state.devices[try DeviceID("d100")])
        #expect(world.controller.state.claims(for: after, of: device, at: world.time.now).retry == after.number)
        #expect(try world.store.audit(after: 0, limit: 10_000).last?.action == "device.retry")
    }

    @Test func `why a device does not run what it was told is shown until it does or is told something else`() throws {
        let device = try DeviceID("d100")
        func failed() throws -> String? { try world.controller.device(device).slots.first?.failed }
        func report(_ outcome: AttemptReport.Outcome, sequence: UInt64, of number: UInt64) throws {
            _ = try world.controller.report(
                ReportBatch(reports: [
                    AttemptReport(
                        assignment: number, model: world.model, sequence: sequence, digest: world.versions[0].digest,
                        step: "check", outcome: outcome, reason: outcome == .succeeded ? nil : "quarantined",
                        at: world.time.now.milliseconds)
                ]), from: device)
        }
        let number = try slot("d100").number
        try report(.rejected, sequence: 1001, of: number)
        try world.restartController()
        #expect(try failed() == "quarantined")
        try report(.succeeded, sequence: 1002, of: number)
        #expect(try failed() == nil)
        try report(.rejected, sequence: 1003, of: number)
        try retry("d100")
        #expect(try failed() == nil, "the next order has not failed yet")
        try report(.rejected, sequence: 1004, of: number)
        #expect(try failed() == nil, "what is told late is of the order before")
    }

    @Test func `not while a rollout compares devices, and not where nothing is wanted`() throws {
        try world.want(2)
        try world.run(2)
        #expect { try retry("d100") } throws: { ($0 as? Problem)?.code == "rollout_under_way" }
        let other = try World()
        try other.enrol(1)
        #expect {
            _ = try other.controller.decide(
                DeviceDecision(.retry, reason: "mended"), on: try DeviceID("d100"), by: other.person)
        } throws: { ($0 as? Problem)?.code == "nothing_to_retry" }
    }
}
