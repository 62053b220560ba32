import Fleet
import Orchestration
import Testing
import WireFormat

@testable import SimulatedWorld

/// Whom a signed token lets in.
@Suite struct SignedTokenTests {
    /// Believes any text `token.of.<device>`.
    struct Believer: SignedTokens {
        func issue(to device: DeviceID, at now: Timestamp) throws -> DeviceToken {
            DeviceToken(token: "token.of.\(device)", expiresAt: now.adding(seconds: 3600))
        }

        func caller(of token: String, at now: Timestamp) -> Caller? {
            guard token.hasPrefix("token.of."), let id = try? DeviceID(String(token.dropFirst(9))) else { return nil }
            return .device(id)
        }

        func keySet(at now: Timestamp) throws -> [UInt8] { [] }
    }

    @Test(
        "a token of a device opens its routes until the device is retired; unknown devices' and other texts open none")
    func callers() throws {
        let world = try World(tokens: Believer())
        try world.enrol(2)
        let id = world.devices[0].id
        let token = try world.controller.issueToken(to: id).token
        #expect(world.controller.caller(bearer: token) == .device(id))
        #expect(world.controller.caller(bearer: "token.of.nobody") == nil)
        #expect(world.controller.caller(bearer: "a.b.c") == nil)
        try world.controller.retire(id, by: world.person)
        #expect(world.controller.caller(bearer: token) == nil)
        #expect(throws: Problem.self) { try world.controller.issueToken(to: id) }
        #expect(world.controller.caller(bearer: "token.of.\(world.devices[1].id)") != nil)
    }

    @Test("a controller without tokens believes and signs none")
    func none() throws {
        let world = try World()
        try world.enrol(1)
        #expect(world.controller.caller(bearer: "token.of.\(world.devices[0].id)") == nil)
        #expect(throws: Problem.self) { try world.controller.issueToken(to: world.devices[0].id) }
        #expect(throws: Problem.self) { try world.controller.tokenKeys() }
    }
}
