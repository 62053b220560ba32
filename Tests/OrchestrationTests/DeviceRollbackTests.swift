import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// One device is sent back to an earlier version.
@Suite struct DeviceRollbackTests {
    /// A fleet on v2 whose rollout and watch are over.
    private func settled(devices: Int = 12) throws -> World {
        let world = try World()
        try world.settle(devices: devices)
        try world.want(2)
        #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
        try world.run(2)
        return world
    }

    @discardableResult
    private func rollBack(_ world: World, _ device: String, to version: Int) throws -> DeviceResource {
        try world.controller.rollBack(
            try DeviceID(device),
            DeviceRollbackRequest(
                model: world.model, version: world.versions[version - 1].name, reason: "it overheats"),
            by: world.person)
    }

    private func refusal(_ world: World, _ device: String, to version: Int) -> Problem? {
        #expect(throws: Problem.self) { try rollBack(world, device, to: version) }
    }

    @Test("the device returns and stays, the others keep theirs, and the next promoted version reaches it again")
    func returns() throws {
        let world = try settled()
        try rollBack(world, "d103", to: 1)
        let slot = try #require(world.controller.state.devices[try DeviceID("d103")]?.slots.first)
        #expect(slot.retry == slot.number, "it was ordered on purpose, even if that version failed there once")
        try world.run(6)
        #expect(world.serving(1).map(\.id.rawValue) == ["d103"])
        #expect(world.serving(2).count == 11)
        try rollBack(world, "d103", to: 1)
        try world.restartController()
        try world.run(6)
        #expect(world.serving(1).map(\.id.rawValue) == ["d103"])
        let row = try world.controller.audit(before: nil, limit: 500).filter { $0.action == "device.rollback" }
        #expect(row.map(\.detail) == [["model": "digits", "from": "v2", "to": "v1", "reason": "it overheats"]])
        try world.want(3)
        #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
        try world.run(3)
        #expect(world.serving(3).count == 12)
    }

    @Test("quarantine and release leave a device where a person sent it; what is promoted meanwhile reaches it")
    func quarantined() throws {
        let world = try settled()
        try rollBack(world, "d103", to: 1)
        try world.run(3)
        try world.passThroughQuarantine("d103")
        #expect(try world.assigned(1).map(\.rawValue) == ["d103"], "it overheats still")
        try world.restartController()
        try world.passThroughQuarantine("d103")
        #expect(try world.assigned(1).map(\.rawValue) == ["d103"])
        try world.passThroughQuarantine("d103") {
            try world.want(3)
            #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
            #expect(try world.assigned(1).map(\.rawValue) == ["d103"])
        }
        #expect(try world.assigned(3).count == 12)
    }

    @Test("a canary that a person sent back stays there too, once its rollout is over")
    func quarantinedCanary() throws {
        let world = try World()
        world.policy.steps = [.devices(20), .percent(100)]
        world.policy.soakSeconds = 60
        try world.settle(devices: 24)
        try world.want(2)
        try world.run(4)
        let canary = try #require(world.serving(2).first?.id.rawValue)
        try rollBack(world, canary, to: 1)
        try world.order(.promote)
        #expect(try world.run(atMost: 100) { $0.rollout?.state == .completed })
        #expect(try world.assigned(1).map(\.rawValue) == [canary])
        try world.passThroughQuarantine(canary)
        #expect(try world.assigned(1).map(\.rawValue) == [canary])
    }

    @Test("a later version has to prove itself in a rollout, and what nobody knows is no way back")
    func forward() throws {
        let world = try settled()
        try rollBack(world, "d103", to: 1)
        #expect(refusal(world, "d103", to: 2)?.code == "not_earlier")
        #expect(refusal(world, "d104", to: 3)?.code == "not_earlier")
        #expect(refusal(world, "d999", to: 1)?.code == "unknown_device")
        let fresh = try World()
        try fresh.enrol(1)
        #expect(refusal(fresh, "d100", to: 1)?.code == "nothing_to_return_from")
    }

    @Test("whoever a running rollout compares stays where it is until the rollout ends")
    func compared() throws {
        let world = try settled()
        world.policy.soakSeconds = 60
        try world.want(3)
        try world.run(4)
        let canary = try #require(world.serving(3).first?.id.rawValue)
        let baseline = try #require(world.serving(2).first?.id.rawValue)
        let refused = refusal(world, baseline, to: 1)
        #expect(refused?.code == "device_in_rollout")
        #expect(refused?.detail.contains("`edgectl rollout rollback digits-3`") == true)
        #expect(refusal(world, canary, to: 1)?.detail.contains("alone it can return to v2 only") == true)
    }

    @Test("during a rollout a canary returns to where it came from, and counts as one that could not run it")
    func canary() throws {
        let world = try World()
        world.policy.soakSeconds = 60
        try world.settle(devices: 12)
        try world.want(2)
        try world.run(4)
        let canary = try #require(world.serving(2).first?.id.rawValue)
        try rollBack(world, canary, to: 1)
        try world.run(3)
        #expect(world.serving(1).map(\.id.rawValue).contains(canary))
        #expect(world.rollout?.progress.failed == 1)
        #expect(world.rollout?.id.rawValue == "digits-2")
    }
}

extension World {
    /// Two machines speak for a device, something happens, and a person lets it out again.
    fileprivate func passThroughQuarantine(_ name: String, _ meanwhile: () throws -> Void = {}) throws {
        let device = try DeviceID(name)
        var heard: [Int64: UInt64] = [:]
        for sequence in 1...3 as ClosedRange<UInt64> {
            for boot in [1, 2] as [Int64] {
                let beat = Heartbeat(boot: boot, sequence: sequence, sentAt: 0, assignment: 0, heard: heard[boot] ?? 0)
                heard[boot] = try controller.heartbeat(beat, from: device).number
            }
        }
        try controller.tick()
        #expect(try controller.device(device).standing?.kind == .quarantined)
        try meanwhile()
        _ = try controller.decide(DeviceDecision(.approve, reason: "one is off"), on: device, by: person)
        try run(1)
    }
}
