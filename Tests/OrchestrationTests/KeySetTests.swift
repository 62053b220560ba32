import Fleet
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Publishers' key sets at the controller: kept in order, relayed as they came, audited.
@Suite struct KeySetTests {
    private func publish(_ envelope: String, in world: World) throws -> KeySetResource {
        try world.controller.publish(KeySetPublication(envelope: envelope), by: world.person)
    }

    private func fingerprint(_ letter: Character) -> String { String(repeating: letter, count: 64) }

    @Test("key sets are relayed in order and whole, after a restart too; the same one again changes nothing")
    func relay() throws {
        let world = try World()
        let first = try publish("1 +\(fingerprint("a"))", in: world)
        let second = try publish("2 +\(fingerprint("b")) -\(fingerprint("a"))", in: world)
        #expect(try publish("1 +\(fingerprint("a"))", in: world) == first)
        try world.restartController()
        #expect(world.controller.keySets(after: 0, limit: 10).items == [first, second])
        #expect(world.controller.keySets(after: 1, limit: 10).items == [second])
        let page = world.controller.keySets(after: 0, limit: 1)
        #expect(page.items == [first] && page.next == "1")
        let audited = try world.store.audit(after: 0, limit: 100).filter { $0.action == "keyset.publish" }
        #expect(audited.map(\.subject) == ["keyset/1", "keyset/2"])
        #expect(audited.last?.detail["revoked"] == fingerprint("a"))
    }

    @Test("a key set that is not the next one is refused with the reason")
    func order() throws {
        let world = try World()
        _ = try publish("1", in: world)
        #expect { try publish("3", in: world) } throws: { ($0 as? Problem)?.code == "key_set_skipped" }
        #expect { try publish("1 again", in: world) } throws: { ($0 as? Problem)?.status == 422 }
        #expect(world.controller.keySets(after: 0, limit: 10).items.count == 1)
    }

    @Test("keys of a set are publishers' keys from then on; a revoked one is shown so and not registered again")
    func registered() throws {
        let world = try World()
        _ = try publish("1 +\(fingerprint("a"))", in: world)
        _ = try publish("2 +\(fingerprint("b")) -\(fingerprint("a"))", in: world)
        let keys = world.controller.publisherKeys()
        #expect(keys.map(\.fingerprint) == [fingerprint("a"), fingerprint("b")])
        #expect(keys.map(\.revoked) == [true, nil])
        let pem = "some key"
        let added = try world.controller.addPublisherKey(PublisherKey(pem: pem), by: world.person)
        _ = try publish("3 +\(fingerprint("b")) -\(try #require(added.fingerprint))", in: world)
        #expect { try world.controller.addPublisherKey(PublisherKey(pem: pem), by: world.person) } throws: {
            ($0 as? Problem)?.code == "publisher_revoked"
        }
    }

    @Test("versions are checked with the keys that count; a revoked one is known for what it is")
    func counted() throws {
        let world = try World()
        _ = try publish("1 +\(fingerprint("a"))", in: world)
        _ = try publish("2 +\(fingerprint("b")) -\(fingerprint("a"))", in: world)
        let keys = world.controller.state.knownPublisherKeys
        #expect(keys.trusted == ["pem of \(fingerprint("b"))"])
        #expect(keys.revoked == ["pem of \(fingerprint("a"))"])
    }

    @Test("another signature over a version takes the place of the first, for good, and is audited")
    func signedAgain() throws {
        let world = try World()
        let version = try world.controller.version(digest: world.versions[0].digest)
        let accepted = AcceptedVersion(
            digest: version.digest, model: version.model, version: version.version, releaseCounter: 1, metadata: [:],
            publisher: fingerprint("b"))
        _ = try world.controller.transact { $0.resign(version, accepted, "another", by: world.person) }
        try world.restartController()
        let kept = try world.controller.version(digest: version.digest)
        #expect(kept.bundle == "another" && kept.publisher == fingerprint("b"))
        let row = try world.store.audit(after: 0, limit: 100).last
        #expect(row?.action == "version.resign" && row?.detail["publisher"] == fingerprint("b"))
    }

    @Test("the answer to a heartbeat tells of the newest key set, and devices say which they follow")
    func heartbeats() throws {
        let world = try World()
        try world.enrol(1)
        let device = world.devices[0].id
        func beat(_ sequence: UInt64, _ keySet: UInt64?) throws -> UInt64? {
            try world.controller.heartbeat(
                Heartbeat(boot: 9_000_000_000_000, sequence: sequence, sentAt: 1, assignment: 0, keySet: keySet),
                from: device
            ).keySet
        }
        #expect(try beat(1, nil) == nil)
        #expect(try world.controller.device(device).keySet == nil)
        _ = try publish("1", in: world)
        #expect(try beat(2, 0) == 1)
        #expect(try world.controller.device(device).keySet == 0)
        #expect(try behind(world) == 1)
        #expect(try beat(3, 1) == 1)
        #expect(try behind(world) == 0)
        #expect(try world.controller.device(device).keySet == 1)
    }

    private func behind(_ world: World) throws -> Double? {
        let page = String(
            decoding: world.registry.render(.text) { world.controller.collect(into: &$0) }, as: UTF8.self)
        let line = page.split(separator: "\n").first { $0.hasPrefix("edgeorch_devices_behind_key_set ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    @Test("a version that a revoked key signed is not deployed, with the way out")
    func deployment() throws {
        let world = try World()
        try world.enrol(3)
        let publisher = fingerprint("a")
        var version = try world.controller.version(digest: world.versions[1].digest)
        version.publisher = publisher
        try world.store.commit([.versionUpdated(version)])
        try world.restartController()
        _ = try publish("1 +\(fingerprint("b")) -\(publisher)", in: world)
        #expect { try world.want(2) } throws: { error in
            let faults = (error as? Problem)?.faults ?? []
            return faults.contains { $0.field == "version" && $0.remedy.contains("revoked") }
        }
        try world.want(1)
    }
}
