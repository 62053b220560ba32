import Fleet
import Foundation
import ModelTrust
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Whom an issuer's tokens let in, and how its keys come and go.
///
/// A key here signs with its own name.
@Suite struct OpenIDIssuerTests {
    struct NameKey: TokenKey {
        let keyID: String
        var algorithm: TokenAlgorithm { .es256 }

        func accepts(signature: [UInt8], over message: [UInt8]) -> Bool { signature == Self.signature(keyID) }

        static func signature(_ name: String) -> [UInt8] {
            Array((name + String(repeating: ".", count: 64)).utf8.prefix(64))
        }
    }

    final class Source: Sendable {
        struct Away: Error {}

        let keys = Mutex<[String]?>(["one"])
        let fetches = Mutex(0)

        func fetch() throws -> [NameKey] {
            fetches.withLock { $0 += 1 }
            guard let keys = keys.withLock({ $0 }) else { throw Away() }
            return keys.map(NameKey.init)
        }
    }

    private static let text = """
        {"issuer": "https://id.example", "audience": "edge", "nameClaim": "email",
         "roles": [
           {"claim": "groups", "value": "admins", "role": "admin"},
           {"claim": "realm_access.roles", "value": "vision", "role": "release_manager",
            "scope": {"models": ["detector*"]}},
           {"claim": "sub", "value": "ci", "role": "publisher", "holder": "machine"}]}
        """
    private let source = Source()
    private let log = TestLog()
    private let start = TestTime.start

    private func issuer() throws -> OpenIDIssuer<NameKey> {
        let configuration = try JSONDecoder().decode(OpenIDConfiguration.self, from: Data(Self.text.utf8))
        #expect(configuration.faults == [])
        return OpenIDIssuer(configuration, log: log) { [source] in try source.fetch() }
    }

    private func token(
        _ more: [String: JSONValue], key: String = "one", at now: Timestamp? = nil, audience: String = "edge"
    ) throws -> String {
        let seconds = (now ?? start).milliseconds / 1000
        var members: [String: JSONValue] = [
            "iss": .string("https://id.example"), "sub": .string("s-1"), "aud": .string(audience),
            "email": .string("olga@example.com"), "iat": .integer(seconds), "exp": .integer(seconds + 600),
        ]
        members.merge(more) { $1 }
        return SignedToken.sign(JSONValue.object(members).serialized(), type: "JWT", keyID: key, algorithm: .es256) {
            _ in NameKey.signature(key)
        }
    }

    private func known(_ issuer: OpenIDIssuer<NameKey>, _ token: String) throws -> Operator? {
        guard case .person(let known) = try issuer.caller(of: token, at: start) else { return nil }
        return known
    }

    @Test("the first rule that fits a token's claims gives its holder a role, a scope and a name")
    func roles() throws {
        let issuer = try issuer()
        issuer.refresh(at: start)
        let both: [String: JSONValue] = [
            "groups": .array([.string("staff"), .string("admins")]),
            "realm_access": .object(["roles": .array([.string("vision")])]),
        ]
        let admin = try known(issuer, try token(both))
        #expect(admin?.role == .admin && admin?.name == "olga@example.com" && admin?.id == "oidc:s-1")
        let manager = try known(issuer, try token(["realm_access": both["realm_access"] ?? .null]))
        #expect(manager?.role == .releaseManager && manager?.scope.description == "models detector*")
        #expect(manager?.holder == .person)
        #expect(try known(issuer, try token(["sub": .string("ci")]))?.holder == .machine)
        let nobody = try token(["groups": .string("staff")])
        #expect(throws: CredentialRefusal.noRole(name: "olga@example.com")) { try known(issuer, nobody) }
    }

    @Test("a token that is not for us, not by the issuer, over, or names nobody for certain is refused")
    func refused() throws {
        let issuer = try issuer()
        issuer.refresh(at: start)
        let admins: [String: JSONValue] = ["groups": .string("admins")]
        #expect(try known(issuer, try token(admins)) != nil)
        let tokens = [
            try token(admins, audience: "other"), try token(admins.merging(["iss": .string("https://evil")]) { $1 }),
            try token(admins, at: start.adding(seconds: -700)), try token(admins, at: start.adding(seconds: 700)),
            try token(admins.merging(["exp": .integer(start.milliseconds / 1000 + 100_000)]) { $1 }),
            try token(admins.merging(["email_verified": .bool(false)]) { $1 }),
            try token(admins.merging(["email": .string("")]) { $1 }),
            try token(admins.merging(["email": .string("device:d1")]) { $1 }),
            String(try token(admins).dropLast(4)) + "AAAA",
        ]
        for token in tokens {
            #expect {
                try known(issuer, token)
            } throws: { error in
                if case .tokenRefused? = error as? CredentialRefusal { true } else { false }
            }
        }
    }

    @Test("an unknown key is asked for at most every 30 s; the new keys are believed, those that are gone are not")
    func rotation() throws {
        let issuer = try issuer()
        let admins: [String: JSONValue] = ["groups": .string("admins")]
        let old = try token(admins)
        #expect(throws: CredentialRefusal.issuerKeysWanted) { try issuer.caller(of: old, at: start) }
        issuer.refresh(at: start)
        source.keys.withLock { $0 = ["two"] }
        let new = try token(admins, key: "two")
        for second in 0..<30 {
            let now = start.adding(seconds: Double(second))
            #expect(throws: CredentialRefusal.self) { try issuer.caller(of: new, at: now) }
            issuer.refresh(at: now)
        }
        #expect(source.fetches.withLock { $0 } == 1, "strangers' tokens cost the issuer nothing")
        let later = start.adding(seconds: 30)
        #expect(throws: CredentialRefusal.issuerKeysWanted) { try issuer.caller(of: new, at: later) }
        issuer.refresh(at: later)
        #expect(throws: Never.self) { try issuer.caller(of: new, at: later) }
        #expect(throws: CredentialRefusal.self) { try issuer.caller(of: old, at: later) }
    }

    @Test("while the issuer is away its keys are believed for a day, then tokens are refused and the reason is said")
    func away() throws {
        let issuer = try issuer()
        issuer.refresh(at: start)
        source.keys.withLock { $0 = nil }
        let almost = start.adding(seconds: 86_399)
        issuer.refreshIfOld(at: almost)
        #expect(source.fetches.withLock { $0 } == 2)
        #expect(log.lines.withLock { $0 }.contains { "\($0)".contains("cannot be fetched") })
        let admins: [String: JSONValue] = ["groups": .string("admins")]
        let token = try token(admins, at: almost)
        #expect(throws: Never.self) { try issuer.caller(of: token, at: almost) }
        let over = start.adding(seconds: 86_400)
        #expect(throws: CredentialRefusal.issuerAway(since: start)) { try issuer.caller(of: token, at: over) }
        source.keys.withLock { $0 = ["one"] }
        let back = over.adding(seconds: 60)
        #expect(throws: CredentialRefusal.issuerKeysWanted) { try issuer.caller(of: token, at: back) }
        issuer.refresh(at: back)
        #expect(throws: Never.self) { try issuer.caller(of: token, at: back) }
    }

    @Test("a configuration that lets nobody in, or asks in the clear, is refused with all its faults")
    func faults() throws {
        let text = """
            {"issuer": "http://id.example", "audience": "",
             "roles": [{"claim": "", "value": "a", "role": "admin", "scope": {"selector": "site=berlin"}}]}
            """
        let configuration = try JSONDecoder().decode(OpenIDConfiguration.self, from: Data(text.utf8))
        #expect(configuration.faults.count == 4)
    }

    @Test("a misspelt field is named, so that no bound is lost by it")
    func misspelt() throws {
        let text = #"{"isuer": "", "roles": [{"role": "viewer", "scop": {}, "scope": {"model": []}}]}"#
        let found = OpenIDConfiguration.unknownMembers(in: try JSONValue(parsing: Array(text.utf8)))
        #expect(found == ["isuer", "roles[0].scop", "roles[0].scope.model"])
        let good = try JSONValue(parsing: Array(Self.text.utf8))
        #expect(OpenIDConfiguration.unknownMembers(in: good) == [])
    }
}
