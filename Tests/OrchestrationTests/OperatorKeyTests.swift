import Fleet
import Foundation
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SimulatedWorld

/// Operators' keys from their making to their end.
@Suite struct OperatorKeyTests {
    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    @Test("a rotated key's old secret works for the overlap, the new one from now on; both are the same operator")
    func rotation() throws {
        let world = try World()
        let scope = OperatorScope(selector: try Selector("site=berlin"))
        let made = try world.controller.createAPIKey(
            APIKeyRequest(name: "olga", role: .operator, scope: scope), by: world.person)
        let old = try #require(made.secret)
        let rotated = try world.controller.rotateAPIKey(
            id: made.id, APIKeyRotation(overlapSeconds: 600), by: world.person)
        let new = try #require(rotated.secret)
        #expect(old != new)
        #expect(world.controller.caller(bearer: old) == world.controller.caller(bearer: new))
        #expect(world.controller.caller(bearer: new)?.scope == scope)
        try world.restartController()
        world.time.pass(seconds: 599)
        #expect(world.controller.caller(bearer: old) != nil)
        world.time.pass(seconds: 1)
        #expect(throws: CredentialRefusal.self) { try world.controller.authenticate(bearer: old) }
        #expect(world.controller.caller(bearer: new) != nil)
        let again = try world.controller.rotateAPIKey(id: made.id, APIKeyRotation(overlapSeconds: 0), by: world.person)
        #expect(world.controller.caller(bearer: new) == nil, "without an overlap the old secret is gone at once")
        try world.controller.removeAPIKey(id: made.id, by: world.person)
        #expect(world.controller.caller(bearer: again.secret ?? "") == nil)
        let audited = try world.controller.audit(before: nil, limit: 10).map(\.action)
        #expect(audited == ["key.remove", "key.rotate", "key.rotate", "key.create"])
    }

    @Test("a key ends when its time is over, says so, and a rotation gives it as long a life again")
    func expiry() throws {
        let world = try World()
        let made = try world.controller.createAPIKey(
            APIKeyRequest(name: "ci", role: .publisher, holder: .machine, lifetimeSeconds: 3600), by: world.person)
        let secret = try #require(made.secret)
        world.time.pass(seconds: 1800)
        let rotated = try world.controller.rotateAPIKey(
            id: made.id, APIKeyRotation(overlapSeconds: 86_400), by: world.person)
        #expect(rotated.expiresAt == world.time.now.adding(seconds: 3600))
        world.time.pass(seconds: 3599)
        #expect(world.controller.caller(bearer: secret) != nil)
        world.time.pass(seconds: 1)
        let ends = try #require(rotated.expiresAt)
        for secret in [secret, rotated.secret ?? ""] {
            #expect(throws: CredentialRefusal.expired(at: ends)) { try world.controller.authenticate(bearer: secret) }
        }
    }

    @Test("the last use is kept to five minutes, by ticks, and never by a write of a request")
    func lastUse() throws {
        let world = try World()
        let made = try world.controller.createAPIKey(APIKeyRequest(name: "vera", role: .viewer), by: world.person)
        let secret = try #require(made.secret)
        #expect(world.controller.apiKeys().first?.lastUsedAt == nil)
        func stored() throws -> Timestamp? { try world.store.load().apiKeys.first?.lastUsedAt }
        world.time.pass(seconds: 10)
        for _ in 0..<100 { _ = world.controller.caller(bearer: secret) }
        let first = world.time.now
        #expect(try stored() == nil, "a request writes nothing")
        #expect(world.controller.apiKeys().first?.lastUsedAt == first)
        try world.controller.tick()
        #expect(try stored() == first)
        world.time.pass(seconds: 299)
        _ = world.controller.caller(bearer: secret)
        try world.controller.tick()
        #expect(try stored() == first, "within the grain nothing is written")
        world.time.pass(seconds: 1)
        _ = world.controller.caller(bearer: secret)
        try world.controller.tick()
        #expect(try stored() == world.time.now)
        try world.restartController()
        #expect(world.controller.apiKeys().first?.lastUsedAt == world.time.now)
    }

    @Test("one admin key that does not end is always kept")
    func lastAdmin() throws {
        let world = try World()
        let first = try world.controller.createFirstAPIKey(name: "ada")
        let brief = try world.controller.createAPIKey(
            APIKeyRequest(name: "bo", role: .admin, lifetimeSeconds: 3600), by: world.person)
        #expect(code { try world.controller.removeAPIKey(id: first.id, by: world.person) } == "last_admin_key")
        try world.controller.removeAPIKey(id: brief.id, by: world.person)
        _ = try world.controller.createAPIKey(APIKeyRequest(name: "cy", role: .admin), by: world.person)
        try world.controller.removeAPIKey(id: first.id, by: world.person)
    }

    @Test("a request for a key that could not be one is refused with all its faults")
    func faults() throws {
        let world = try World()
        let scope = OperatorScope(selector: try Selector("site=berlin"))
        let requests: [(APIKeyRequest, [String])] = [
            (APIKeyRequest(name: "", role: .viewer, lifetimeSeconds: 1), ["name", "lifetimeSeconds"]),
            (APIKeyRequest(name: "a\nb", role: .viewer), ["name"]),
            (APIKeyRequest(name: "Controller", role: .viewer), ["name"]),
            (APIKeyRequest(name: "device:d1", role: .viewer), ["name"]),
            (APIKeyRequest(name: "ada", role: .admin, scope: scope), ["scope"]),
            (APIKeyRequest(name: "prometheus", role: .scraper, scope: scope), ["scope"]),
        ]
        for (request, fields) in requests {
            #expect {
                try world.controller.createAPIKey(request, by: world.person)
            } throws: { ($0 as? Problem)?.faults.map(\.field) == fields }
        }
        #expect(world.controller.apiKeys().isEmpty)
    }

    @Test("keys that older controllers stored are read as persons' keys without bounds")
    func oldDocuments() throws {
        let digest = String(repeating: "ab", count: 32)
        let text = """
            {"id":"key-1","name":"ada","role":"operator","hash":"\(digest)","createdAt":"2026-01-01T00:00:00.000Z"}
            """
        let key = try JSONDecoder().decode(StoredAPIKey.self, from: Data(text.utf8))
        #expect(key.scope == nil && key.holder == nil && key.expiresAt == nil && key.lastUsedAt == nil)
        let store = MemoryStore()
        try store.commit([.apiKey(key)])
        let world = try World(store: store)
        #expect(world.controller.apiKeys().first?.holder == .person)
    }
}
