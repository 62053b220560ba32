import Fleet
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct EnrolmentTests {
    private func request(_ secret: String?, _ device: String, labels: [String: String] = [:]) throws -> EnrolmentRequest
    {
        EnrolmentRequest(
            token: secret ?? "", device: try DeviceID(device), labels: try Labels(labels), agentVersion: "1")
    }

    @Test("a newly enrolled device is told to run what its deployment wants, and runs it")
    func wanted() throws {
        let world = try World()
        try world.settle(devices: 3)
        try world.enrol(1)
        let device = try #require(world.devices.last)
        let told = try world.controller.device(device.id)
        #expect(told.slots.first?.assigned?.digest == world.versions[0].digest)
        #expect(told.slots.first?.fallback?.digest == world.versions[0].digest)
        #expect(told.slots.first?.rollout == nil)
        try world.run(2)
        #expect(world.serving(1).count == 4)
    }

    @Test("a first installation reaches devices that join while it is under way, and ends when all run it")
    func firstInstallation() throws {
        let world = try World()
        try world.enrol(2)
        try world.want(1)
        #expect(world.rollout?.waitReason == "first_installation")
        try world.enrol(1)
        try world.run(2)
        #expect(world.serving(1).count == 3)
        #expect(world.rollout?.state == .completed)
        #expect(world.decided.isEmpty)
    }

    @Test("a device that cannot run the first version does not keep the second one from going in steps")
    func failedFirstInstallation() throws {
        let world = try World()
        try world.enrol(12)
        world.devices[0].refused = [world.versions[0].digest]
        try world.want(1)
        try world.run(3)
        #expect(world.serving(1).count == 11)
        #expect(world.rollout?.state == .completed && world.rollout?.progress.failed == 1)
        try world.want(2)
        try world.run(2)
        #expect(world.rollout?.from == world.versions[0])
        #expect(world.serving(2).count == 4)
    }

    @Test("a first version that nobody can run is never taken for settled, and the next one goes to everybody")
    func brokenFirstVersion() throws {
        let world = try World()
        try world.enrol(3)
        for device in world.devices { device.refused = [world.versions[0].digest] }
        try world.want(1)
        try world.run(3)
        #expect(world.rollout?.state == .progressing && world.rollout?.waitReason == "first_installation")
        try world.want(2)
        try world.run(2)
        #expect(world.serving(2).count == 3)
        #expect(world.rollout?.state == .completed && world.rollout?.from == nil)
    }

    @Test("a token admits as many devices as it says")
    func uses() throws {
        let world = try World()
        let token = try world.controller.createToken(EnrolmentTokenRequest(uses: 2), by: world.person)
        _ = try world.controller.enrol(try request(token.secret, "a"))
        #expect(world.controller.tokens().first?.usesLeft == 1)
        _ = try world.controller.enrol(try request(token.secret, "b"))
        #expect(world.controller.tokens().isEmpty)
        #expect(throws: Problem.enrolmentRefused) { try world.controller.enrol(try request(token.secret, "c")) }
    }

    @Test("a token stops working when its time is over, and across a restart")
    func expiry() throws {
        let world = try World()
        let token = try world.controller.createToken(
            EnrolmentTokenRequest(lifetimeSeconds: 60, uses: 5), by: world.person)
        world.time.pass(seconds: 59)
        try world.restartController()
        _ = try world.controller.enrol(try request(token.secret, "a"))
        world.time.pass(seconds: 1)
        #expect(throws: Problem.enrolmentRefused) { try world.controller.enrol(try request(token.secret, "b")) }
        #expect(world.controller.tokens().isEmpty)
    }

    @Test("an unknown token admits nobody")
    func unknown() throws {
        let world = try World()
        #expect(throws: Problem.enrolmentRefused) { try world.controller.enrol(try request("guess", "a")) }
        #expect(throws: Problem.enrolmentRefused) { try world.controller.enrol(try request("", "a")) }
    }

    @Test("an identity is given once: neither an enrolled nor a retired device's comes again")
    func identity() throws {
        let world = try World()
        let token = try world.controller.createToken(EnrolmentTokenRequest(uses: 5), by: world.person)
        let reply = try world.controller.enrol(try request(token.secret, "a"))
        #expect { try world.controller.enrol(try request(token.secret, "a")) } throws: { error in
            (error as? Problem)?.code == "device_exists"
        }
        let device = try DeviceID("a")
        let bearer = try #require(reply.deviceToken)
        #expect(world.controller.caller(bearer: bearer) == .device(device))
        try world.controller.retire(device, by: world.person)
        #expect(world.controller.caller(bearer: bearer) == nil)
        #expect { try world.controller.enrol(try request(token.secret, "a")) } throws: { error in
            (error as? Problem)?.detail.contains("retired") == true
        }
        #expect(world.controller.tokens().first?.usesLeft == 4, "a refused enrolment uses nothing up")
    }

    @Test("labels pinned by the token win over the device's own")
    func labels() throws {
        let world = try World()
        let token = try world.controller.createToken(
            EnrolmentTokenRequest(labels: try Labels(["site": "berlin"])), by: world.person)
        _ = try world.controller.enrol(try request(token.secret, "a", labels: ["site": "paris", "hw": "orin"]))
        let device = try world.controller.device(try DeviceID("a"))
        #expect(device.labels == (try Labels(["site": "berlin", "hw": "orin"])))
    }

    @Test("a device's token is never stored, nor is the enrolment token's secret")
    func secrets() throws {
        let world = try World()
        let token = try world.controller.createToken(EnrolmentTokenRequest(), by: world.person)
        let reply = try world.controller.enrol(try request(token.secret, "a"))
        let stored =
            "\(try world.store.load()) \(try world.store.audit(after: 0, limit: 100)) "
            + "\(world.log.lines.withLock { $0 })"
        #expect(!stored.contains(try #require(token.secret)))
        #expect(!stored.contains(try #require(reply.deviceToken)))
    }
}
