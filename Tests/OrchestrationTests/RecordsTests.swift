import Fleet
import PrometheusExposition
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// What is written down and shown: audit rows, stored replies, released waits, metrics.
@Suite struct RecordsTests {
    @Test("everything that people, devices and the controller do is in the audit log, with its reason")
    func audit() throws {
        let world = try World()
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.9
        try world.want(2)
        try world.run(1)
        try world.order(.halt)
        _ = try world.run(atMost: 20) { $0.rollout?.state == .rolledBack }
        try world.controller.retire(world.devices[0].id, by: world.person)
        let rows = try world.controller.audit(before: nil, limit: 1000)
        #expect(rows.map(\.number) == Array((1...UInt64(rows.count)).reversed()))
        let actions = Set(rows.map(\.action))
        #expect(
            actions.isSuperset(of: [
                "token.create", "device.enrol", "policy.apply", "deployment.apply", "step.draw", "rollout.halt",
                "rollout.rollback", "attempt.succeeded", "device.retire",
            ]))
        let halt = try #require(rows.first { $0.action == "rollout.halt" })
        #expect(halt.actor == "ada" && halt.subject == "rollout/digits-2")
        #expect(halt.detail["sentence"] == "because of a test")
        let rollback = try #require(rows.first { $0.action == "rollout.rollback" })
        #expect(rollback.actor == "controller" && rollback.detail["reason"] == "harm_proven")
        #expect(try world.controller.audit(before: 3, limit: 10).map(\.number) == [2, 1])
    }

    @Test("the reply to an idempotency key is kept across a restart, and the first one holds")
    func replies() throws {
        let world = try World()
        let fingerprint = world.versions[0].digest
        var reply = StoredReply(
            key: "key-1/abc", fingerprint: fingerprint, status: 201, body: "one", at: world.time.now)
        try world.controller.keep(reply)
        reply.body = "two"
        try world.controller.keep(reply)
        try world.restartController()
        #expect(try world.controller.storedReply(key: "key-1/abc")?.body == "one")
        #expect(try world.controller.storedReply(key: "key-1/other") == nil)
    }

    @Test("a report that comes again is acknowledged again and counted once")
    func repeatedReports() throws {
        let world = try World()
        try world.settle(devices: 1)
        let before = try world.controller.audit(before: nil, limit: 1000).count
        let report = AttemptReport(
            assignment: 1, model: world.model, sequence: 7, digest: nil, step: "report", outcome: .succeeded, at: 0)
        for _ in 0..<3 {
            let receipt = try world.controller.report(ReportBatch(reports: [report]), from: world.devices[0].id)
            #expect(receipt.acknowledged == 7)
        }
        #expect(try world.controller.audit(before: nil, limit: 1000).count == before + 1)
    }

    @Test("a device that waits is told at once when its assignment changes, and nobody else is")
    func waits() throws {
        let world = try World()
        try world.settle()
        try world.want(2)
        try world.run(2)
        let released = Mutex<[DeviceID]>([])
        func wait(for device: SimulatedDevice) -> UInt64 {
            let id = device.id
            return world.controller.waitForAssignment(of: id, above: device.accepted, seconds: 50) {
                released.withLock { $0.append(id) }
            }
        }
        let canaries = world.serving(2)
        _ = canaries.map(wait)
        let other = try #require(world.serving(1).first)
        let token = wait(for: other)
        try world.order(.rollback)
        #expect(Set(released.withLock { $0 }) == Set(canaries.map(\.id)))
        world.controller.cancelWait(token)
        let late = wait(for: other)
        #expect(late != token)
        world.time.pass(seconds: 51)
        world.controller.expireWaits()
        #expect(released.withLock { $0.filter { $0 == other.id } }.count == 1, "the one that was not cancelled")
    }

    @Test("a wait for a rollout ends with its next change")
    func rolloutWait() throws {
        let world = try World()
        try world.settle()
        try world.want(2)
        let id = try RolloutID("digits-2")
        let seen = try world.controller.rollout(id).revision
        let released = Mutex(0)
        _ = world.controller.waitForRollout(id, otherThan: seen, seconds: 50) { released.withLock { $0 += 1 } }
        #expect(released.withLock { $0 } == 0)
        try world.order(.halt)
        #expect(released.withLock { $0 } == 1)
    }

    // MARK: - Metrics

    private func lines(_ world: World) -> [Substring] {
        let page = world.registry.render(.text) { world.controller.collect(into: &$0) }
        return String(decoding: page, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    private func busy(devices: Int) throws -> World {
        let world = try World()
        // Long enough for nothing to be decided yet.
        world.policy.soakSeconds = 60
        try world.settle(devices: devices)
        try world.want(2)
        try world.run(4)
        return world
    }

    @Test("every sample's name is in the catalogue, and no sample names a device")
    func names() throws {
        let world = try busy(devices: 8)
        let families = Set(MetricCatalogue.standard.families.map(\.name))
        let suffixes = ["", "_bucket", "_sum", "_count"]
        for line in lines(world) {
            let name = String(line.prefix { $0 != "{" && $0 != " " })
            let isKnown = suffixes.contains { suffix in
                name.hasSuffix(suffix) && families.contains(String(name.dropLast(suffix.count)))
            }
            #expect(isKnown, "\(name)")
            #expect(!line.contains("d100"), "\(line)")
        }
    }

    @Test("there are as many series for eight devices as for sixteen")
    func seriesCount() throws {
        func series(_ devices: Int) throws -> Set<Substring> {
            Set(lines(try busy(devices: devices)).map { $0.prefix { $0 != " " } })
        }
        let (few, many) = (try series(8), try series(16))
        #expect(few.symmetricDifference(many).isEmpty)
    }

    @Test("requests are counted by version and arm, once, though they are reported again and again")
    func inferenceCounters() throws {
        let world = try busy(devices: 8)
        try world.run(4)
        var counted = 0.0
        for line in lines(world) where line.hasPrefix("edgeorch_inference_requests_total{") {
            counted += Double(line.split(separator: " ").last ?? "") ?? 0
        }
        let served = world.devices.flatMap(\.runtime.counted.values).reduce(0) { $0 + $1.requests }
        #expect(counted == Double(served))
    }
}
