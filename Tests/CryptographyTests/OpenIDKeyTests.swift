import Foundation
import ModelTrust
import Testing

@testable import Cryptography

/// RSA keys and RS256, which only an issuer's tokens may use.
@Suite struct OpenIDKeyTests {
    private func profile() -> TokenProfile { .openID(issuer: "https://id.example", audience: "edge") }

    private func key(_ set: String) throws -> [TokenVerificationKey] {
        let described = try TokenKeySet(parsing: Array(set.utf8), algorithms: [.rs256, .es256]).keys
        return try described.map { try TokenVerificationKey($0) }
    }

    @Test("a token signed with RS256 is believed of an issuer, and never of ourselves")
    func rs256() throws {
        let keys = try key(RSAVector.set)
        let claims = try profile().claims(in: RSAVector.token, keys: keys, now: 1_800_000_100)
        #expect(claims.subject == "s-1" && claims.notBefore == 1_800_000_000)
        let own = TokenProfile(
            types: ["JWT"], issuer: "https://id.example", audience: "edge", lifetimeSeconds: 86_400)
        #expect(throws: TokenRefusal.algorithmForbidden("RS256")) {
            try own.claims(in: RSAVector.token, keys: keys, now: 1_800_000_100)
        }
        #expect(try TokenKeySet(parsing: Array(RSAVector.set.utf8)).keys.isEmpty)
    }

    @Test("every changed byte of the signature and of what is signed is noticed")
    func changed() throws {
        let keys = try key(RSAVector.set)
        let parts = RSAVector.token.split(separator: ".").map(String.init)
        let signature = try #require(Base64.url.decode(parts[2]))
        for index in signature.indices {
            var altered = signature
            altered[index] ^= 1
            let text = "\(parts[0]).\(parts[1]).\(Base64.url.encode(altered))"
            #expect(throws: TokenRefusal.signatureInvalid) {
                try profile().claims(in: text, keys: keys, now: 1_800_000_100)
            }
        }
        let short = "\(parts[0]).\(parts[1]).\(Base64.url.encode(Array(signature.dropLast())))"
        #expect(throws: TokenRefusal.self) { try profile().claims(in: short, keys: keys, now: 1_800_000_100) }
    }

    @Test("a key of fewer than 2048 bits, with a small exponent or a private part is left out")
    func weak() throws {
        let modulus = [UInt8](repeating: 0xFF, count: 255)
        #expect(throws: TokenKeyFault.self) { try RSANumbers(modulus: modulus, exponent: [1, 0, 1]) }
        #expect(throws: Never.self) { try RSANumbers(modulus: modulus + [0xFF], exponent: [1, 0, 1]) }
        #expect(throws: TokenKeyFault.self) { try RSANumbers(modulus: modulus + [0xFF], exponent: [3]) }
        #expect(throws: TokenKeyFault.self) { try RSANumbers(modulus: modulus + [0xFE], exponent: [1, 0, 1]) }
        #expect(throws: TokenKeyFault.self) { try RSANumbers(modulus: [0] + modulus + [1], exponent: [1, 0, 1]) }
        let stripped = RSAVector.set.replacing(#""kty":"RSA""#, with: #""kty":"RSA","d":"AQAB""#)
        #expect(try TokenKeySet(parsing: Array(stripped.utf8), algorithms: [.rs256]).keys.isEmpty)
    }
}
