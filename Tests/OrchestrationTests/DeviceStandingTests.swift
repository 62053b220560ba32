import CanaryAnalysis
import Fleet
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct DeviceStandingTests {
    private let world: World
    private let device: DeviceID

    init() throws {
        world = try World()
        device = try DeviceID("a")
        world.cryptography.issuesCertificates.store(true, ordering: .relaxed)
    }

    private var controller: FleetController { world.controller }

    private func token(_ approval: ApprovalMode, devices: [DeviceID]? = nil, keys: [Digest]? = nil) throws -> String {
        let made = try controller.createToken(
            EnrolmentTokenRequest(uses: 2, approval: approval, devices: devices, deviceKeys: keys), by: world.person)
        return try #require(made.secret)
    }

    private func enrol(_ token: String, key: String? = "mine", as id: String = "a") throws -> EnrolmentReply {
        try controller.enrol(
            EnrolmentRequest(
                token: token, device: try DeviceID(id), labels: Labels(), agentVersion: "1", certificateRequest: key))
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Problem)?.code ?? "\(error)"
        }
    }

    private func decide(_ verb: DeviceDecision.Verb) throws {
        _ = try controller.decide(DeviceDecision(verb, reason: "looked at it"), on: device, by: world.person)
    }

    private func actions() throws -> [String] {
        try world.store.audit(after: 0, limit: 10_000).map(\.action).filter { $0.hasPrefix("device.") }
    }

    /// Two machines speak for one device.
    private func quarantine(_ twin: DeviceID) throws {
        var heard: [Int64: UInt64] = [:]
        for sequence in 1...3 as ClosedRange<UInt64> {
            for boot in [1, 2] as [Int64] {
                let beat = Heartbeat(
                    boot: boot, sequence: sequence, sentAt: 0, assignment: 0, heard: heard[boot] ?? 0)
                heard[boot] = try controller.heartbeat(beat, from: twin).number
            }
        }
        try controller.tick()
    }

    private func key(_ request: String) -> Digest { world.cryptography.digest(Array(request.utf8)) }

    @Test func `a device that waits for approval has no credential and no assignment; approved it fetches its own`()
        throws
    {
        try world.settle(devices: 4)
        let token = try self.token(.manual)
        #expect(code { _ = try enrol(token) } == "awaiting_approval")
        #expect(try controller.device(device).standing?.kind == .awaitingApproval)
        #expect(try controller.device(device).slots.isEmpty)
        #expect(controller.caller(device: device, certificateKey: key("mine")) == nil)
        #expect(code { _ = try controller.assignments(of: device) } == "device_awaiting_approval")
        try decide(.approve)
        #expect(code { _ = try enrol(token, key: "other") } == "device_exists", "another key is another machine")
        world.time.pass(seconds: 7200)
        #expect(
            try enrol(token).certificate == "certificate of a", "the token's end does not shut a waiting device out")
        #expect(try controller.device(device).standing == nil)
        #expect(try controller.device(device).slots.count == 1)
        #expect(try actions().suffix(3) == ["device.ask", "device.approve", "device.enrol"])
    }

    @Test func `a rejected device is told why, across a restart, and may be approved later`() throws {
        let token = try self.token(.manual)
        #expect(code { _ = try enrol(token) } == "awaiting_approval")
        try decide(.reject)
        try world.restartController()
        #expect { try enrol(token) } throws: { ($0 as? Problem)?.detail.contains("looked at it") == true }
        try decide(.approve)
        #expect(try enrol(token).certificate != nil)
    }

    @Test func `a list lets its devices and its keys in, and nobody else`() throws {
        let token = try self.token(.listed, devices: [device], keys: [key("known")])
        #expect(code { _ = try enrol(token, as: "b") } == "not_listed")
        #expect(code { _ = try enrol(token, key: nil, as: "b") } == "not_listed")
        #expect(try enrol(token).certificate != nil)
        #expect(try enrol(token, key: "known", as: "b").certificate != nil)
        #expect(code { _ = try self.token(.listed) } == "invalid")
        #expect(code { _ = try self.token(.automatic, devices: [device]) } == "invalid")
    }

    @Test func `a revoked device is barred at once, told why, and out of its rollout`() throws {
        _ = try enrol(try token(.automatic))
        #expect(controller.bar(on: device, using: .anything) == nil)
        let waited = Mutex(false)
        _ = controller.waitForAssignment(of: device, above: 99, seconds: 50) { waited.withLock { $0 = true } }
        try decide(.revoke)
        #expect(waited.withLock { $0 }, "a request that is held open ends too")
        let bar = controller.bar(on: device, using: .anything)
        #expect(bar?.code == "device_revoked" && bar?.detail.contains("(looked at it)") == true)
        #expect(code { _ = try controller.assignments(of: device) } == "device_revoked")
        #expect(code { try decide(.approve) } == "device_not_so")
        #expect(try actions().last == "device.revoke")
    }

    @Test func `a new board takes the identity with its token alone, once; the old credentials open nothing`() throws {
        try world.settle(devices: 4)
        let old = try DeviceID("d100")
        let before = try controller.device(old)
        #expect(!before.totals.isEmpty)
        let first = try controller.replace(old, DeviceReplacement(reason: "burnt"), by: world.person)
        let made = try controller.replace(old, DeviceReplacement(reason: "burnt"), by: world.person)
        #expect(controller.bar(on: old, using: .anything)?.code == "device_replacing")
        #expect(code { _ = try enrol(try #require(first.secret), key: "new", as: "d100") } == "enrolment_refused")
        #expect(code { _ = try enrol(try #require(made.secret), key: "new", as: "d101") } == "device_exists")
        #expect(code { _ = try enrol(try #require(made.secret), key: "new", as: "z") } == "enrolment_refused")
        _ = try enrol(try #require(made.secret), key: "new", as: "d100")
        let after = try controller.device(old)
        #expect(after.standing == nil && after.labels == before.labels)
        #expect(after.totals.isEmpty && after.lastHeartbeatAt == nil, "what the old board counted is not the new one's")
        #expect(after.slots.first?.assigned == before.slots.first?.assigned)
        #expect(after.slots.first?.running == nil)
        #expect(controller.caller(device: old, certificateKey: key("new")) == .device(old))
        #expect(code { _ = try enrol(try #require(made.secret), key: "third", as: "d100") } == "device_exists")
        #expect(try actions().suffix(3) == ["device.replace", "device.replace", "device.take_over"])
    }

    @Test func `two machines with one identity are quarantined: no new version, no artifact; a person lets them out`()
        throws
    {
        try world.settle(devices: 8)
        let twin = try DeviceID("d100")
        try quarantine(twin)
        let standing = try #require(try controller.device(twin).standing)
        #expect(standing.kind == .quarantined && standing.reason.contains("two machines"))
        #expect(controller.bar(on: twin, using: .anything) == nil, "it goes on serving and telling")
        #expect(controller.bar(on: twin, using: .artifact)?.code == "device_quarantined")
        try world.want(2)
        try world.run(3)
        try world.order(.promote)
        try world.run(60)
        #expect(world.rollout?.state == .completed)
        #expect(try controller.device(twin).slots.first?.assigned?.digest == world.versions[0].digest)
        _ = try controller.decide(DeviceDecision(.approve, reason: "one is off"), on: twin, by: world.person)
        try controller.tick()
        #expect(try controller.device(twin).standing == nil)
        #expect(try actions().suffix(2) == ["device.quarantine", "device.approve"])
        #expect(try controller.device(twin).slots.first?.assigned?.digest == world.versions[1].digest, "it catches up")
    }

    @Test func `what a canary in quarantine counts says nothing about its version, nor does its silence`() throws {
        world.policy.deadlineSeconds = 100_000
        // Nothing is decided: looking is all that this test does.
        world.policy.soakSeconds = 90_000
        try world.settle(devices: 12)
        try world.want(2)
        try world.run(5)
        let twin = try #require(world.serving(2).first?.id)
        let before = try observed(twin)
        #expect(before.contains { !$0.new.isEmpty })
        try quarantine(twin)
        try world.run(5)
        let during = try observed(twin).dropFirst(before.count)
        #expect(during.count >= 5)
        #expect(during.allSatisfy { $0.new.isEmpty && $0.old.isEmpty && $0.crashes == 0 && !$0.hasFailedUpdate })
        #expect(during.allSatisfy { $0.wasHeard && $0.isCommanded && $0.isExposed })
        #expect(try observed(try #require(world.serving(2).last?.id)).last?.new.isEmpty == false)
        _ = try controller.decide(DeviceDecision(.approve, reason: "one is off"), on: twin, by: world.person)
        try world.run(2)
        #expect(try observed(twin).last?.new.isEmpty == false, "released, it counts again")
    }

    @Test func `a drawn device in quarantine is not told to update, and a failure there is not the version's`() throws {
        world.policy.deadlineSeconds = 100_000
        world.policy.concurrentUpdates = 1
        try world.settle(devices: 12)
        try world.want(2)
        func members() -> [DeviceID: RolloutMember] {
            world.controller.state.rollouts.values.first { $0.rollout.to == world.versions[1] }?.rollout.members ?? [:]
        }
        let drawn = try #require(members().filter { $0.value.progress == .drawn }.keys.sorted().first)
        let told = try #require(members().first { $0.value.isUpdating }?.key)
        try quarantine(drawn)
        try quarantine(told)
        #expect(members()[drawn] == nil)
        let slot = try #require(controller.state.devices[told]?.slots.first)
        _ = try controller.report(
            ReportBatch(reports: [
                AttemptReport(
                    assignment: slot.number, model: world.model, sequence: 1000, digest: world.versions[1].digest,
                    step: "download", outcome: .failed, reason: "download_failed",
                    at: world.time.now.milliseconds)
            ]), from: told)
        #expect(members()[told]?.progress == .failed(reason: RolloutMember.setAside))
        try world.run(10)
        #expect(try controller.device(drawn).slots.first?.assigned?.digest == world.versions[0].digest)
        _ = try controller.decide(DeviceDecision(.approve, reason: "one is off"), on: told, by: world.person)
        try world.run(3)
        #expect(try observed(told).allSatisfy { !$0.hasFailedUpdate })
    }

    @Test func `a device in good standing that shuts a version out has failed to update, whatever it calls that`()
        throws
    {
        world.policy.deadlineSeconds = 100_000
        try world.settle(devices: 12)
        try world.want(2)
        let told = try #require(try world.assigned(2).first)
        let slot = try #require(controller.state.devices[told]?.slots.first)
        _ = try controller.report(
            ReportBatch(reports: [
                AttemptReport(
                    assignment: slot.number, model: world.model, sequence: 1000, digest: world.versions[1].digest,
                    step: "check", outcome: .failed, reason: "quarantined", at: world.time.now.milliseconds)
            ]), from: told)
        try world.run(1)
        #expect(try observed(told).last?.hasFailedUpdate == true)
    }

    /// What was observed of a device in its rollout's first step, tick by tick.
    private func observed(_ device: DeviceID) throws -> [DeviceObservation] {
        let id = try #require(world.rollout?.id)
        let listed = try #require(try world.store.experiment(rollout: id, step: 1)).experiment.devices
        let place = try #require(listed.firstIndex { $0.id == device.rawValue })
        return try world.store.evidence(rollout: id, step: 1).compactMap { row in
            try TickEvidence(decoding: row.bytes).observations.first { $0.device == place }
        }
    }
}
