import Cryptography
import ModelTrust
import Testing

/// Tokens and everything that can be wrong with one.
@Suite struct TokenProfileTests {
    private static let now: Int64 = 1_800_000_000
    private let key: TokenSigningKey
    private let profile = TokenProfile(
        types: ["edge-device+jwt"], issuer: "urn:us", audience: "urn:them", lifetimeSeconds: 3600)

    init() throws { key = try TokenSigningKey.generate() }

    private func claims(_ change: (inout TokenClaims) -> Void = { _ in }) -> TokenClaims {
        var claims = TokenClaims(
            issuer: "urn:us", subject: "cam-1", audience: "urn:them", notBefore: Self.now, expiresAt: Self.now + 3600)
        change(&claims)
        return claims
    }

    private func code(_ text: String, at now: Int64 = now, keys: [TokenKeyDescription]? = nil) throws -> String? {
        let keys = try (keys ?? [key.publicKey]).map { try TokenVerificationKey($0) }
        do throws(TokenRefusal) {
            _ = try profile.claims(in: text, keys: keys, now: now)
            return nil
        } catch {
            return error.code
        }
    }

    private func token(_ change: (inout TokenClaims) -> Void = { _ in }) throws -> String {
        try key.token(claims(change), type: "edge-device+jwt")
    }

    /// A token with any header and payload, signed all the same.
    private func forged(header: String, payload: String? = nil) throws -> String {
        let good = try SignedToken(parsing: try token())
        let body = payload.map { Array($0.utf8) } ?? good.payload
        let message = Base64.url.encode(Array(header.utf8)) + "." + Base64.url.encode(body)
        return message + "." + Base64.url.encode(good.signature)
    }

    @Test("a token is believed from a minute before it holds to a minute after it ends")
    func times() throws {
        let text = try token()
        #expect(try code(text) == nil)
        #expect(try code(text, at: Self.now - 60) == nil)
        #expect(try code(text, at: Self.now - 61) == "token_not_yet_valid")
        #expect(try code(text, at: Self.now + 3659) == nil)
        #expect(try code(text, at: Self.now + 3660) == "token_expired")
    }

    @Test("the key must be one of ours, for its own algorithm, and have made the signature")
    func keys() throws {
        let text = try token()
        let stranger = try TokenSigningKey.generate()
        #expect(try code(text, keys: [stranger.publicKey]) == "token_unknown_key")
        #expect(try code(text, keys: [stranger.publicKey, key.publicKey]) == nil)
        let named = TokenKeyDescription(
            keyID: key.publicKey.keyID, algorithm: .edDSA, point: stranger.publicKey.point)
        #expect(try code(text, keys: [named]) == "token_signature_invalid")
        let p256 = try SigningKey.generate().publicKey.subjectPublicKeyInfo.suffix(64)
        let other = TokenKeyDescription(keyID: key.publicKey.keyID, algorithm: .es256, point: Array(p256))
        #expect(try code(text, keys: [other]) == "token_algorithm_forbidden")
    }

    @Test("every claim is mandatory, of its kind, and ours")
    func claimsOfAToken() throws {
        for name in ["iss", "sub", "aud", "exp", "nbf"] {
            #expect(try code(try token { $0.members[name] = nil }) == "token_claim_missing", "\(name)")
            #expect(try code(try token { $0.members[name] = .bool(true) }) == "token_claim_malformed", "\(name)")
        }
        for name in ["iss", "sub"] {
            #expect(try code(try token { $0.members[name] = .string("") }) == "token_claim_malformed", "\(name)")
        }
        // Sums of such moments would not fit into 64 bits.
        for moment in [.min, -1, 1 << 40, .max] as [Int64] {
            #expect(try code(try token { $0.members["nbf"] = .integer(moment) }) == "token_claim_malformed")
            #expect(try code(try token { $0.members["exp"] = .integer(moment) }) == "token_claim_malformed")
        }
        let mixed = JSONValue.array([.integer(1), .string("urn:them")])
        #expect(try code(try token { $0.members["aud"] = mixed }) == "token_claim_malformed")
        #expect(try code(try token { $0.members["exp"] = .integer(Self.now + 3601) }) == "token_claim_malformed")
        #expect(try code(try token { $0.members["exp"] = .integer(Self.now) }) == "token_claim_malformed")
        #expect(try code(try token { $0.members["iss"] = .string("urn:us/") }) == "token_wrong_issuer")
        #expect(try code(try token { $0.members["aud"] = .string("urn:others") }) == "token_wrong_audience")
        #expect(try code(try token { $0.members["aud"] = .array([.string("a"), .string("urn:them")]) }) == nil)
        #expect(try code(try token { $0.members["aud"] = .array([]) }) == "token_wrong_audience")
        #expect(try code(try key.token(claims(), type: "JWT")) == "token_type_forbidden")
    }

    @Test(
        "a header that brings a key, asks for extensions or for another algorithm is refused before its signature",
        arguments: [
            (#"{"alg":"none","typ":"edge-device+jwt","kid":"k"}"#, "token_algorithm_forbidden"),
            (#"{"alg":"HS256","typ":"edge-device+jwt","kid":"k"}"#, "token_algorithm_forbidden"),
            (#"{"alg":"eddsa","typ":"edge-device+jwt","kid":"k"}"#, "token_algorithm_forbidden"),
            (#"{"alg":["EdDSA"],"typ":"edge-device+jwt","kid":"k"}"#, "token_algorithm_forbidden"),
            (#"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"k","jwk":{}}"#, "token_header_forbidden"),
            (#"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"k","jku":"https://x"}"#, "token_header_forbidden"),
            (#"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"k","x5u":"https://x"}"#, "token_header_forbidden"),
            (
                #"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"k","crit":["b64"],"b64":false}"#,
                "token_header_forbidden"
            ),
            (#"{"alg":"EdDSA","typ":"edge-device+jwt"}"#, "token_unknown_key"),
            (#"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"../key"}"#, "token_unknown_key"),
            (#"{"alg":"EdDSA","alg":"EdDSA","typ":"edge-device+jwt","kid":"k"}"#, "token_malformed"),
            (#"["EdDSA"]"#, "token_malformed"), (#"{"alg":"EdDSA""#, "token_malformed"),
        ])
    func headers(header: String, expected: String) throws {
        #expect(try code(try forged(header: header)) == expected)
    }

    @Test("a text with another number of parts, padding, blanks or more than 8 KiB is refused")
    func forms() throws {
        let text = try token()
        for wrong in ["", ".", "..", "...", text + ".", text + "=", " " + text, text + "\n", String(text.dropLast())] {
            #expect(try code(wrong) == "token_malformed", "\(wrong.prefix(20))")
        }
        let long = try token { $0.members["x"] = .string(String(repeating: "x", count: 8000)) }
        #expect(try code(long) == "token_too_large")
        let header = #"{"alg":"EdDSA","typ":"edge-device+jwt","kid":"\#(key.publicKey.keyID)"}"#
        #expect(try code(try forged(header: header, payload: "{}")) == "token_signature_invalid")
    }

    @Test("a token that names no key, or whose signature has another length, is refused before any key is tried")
    func unnamedKey() throws {
        let nameless = TokenKeyDescription(keyID: "", algorithm: .edDSA, point: key.publicKey.point)
        let text = try forged(header: #"{"alg":"EdDSA","typ":"edge-device+jwt"}"#)
        #expect(try code(text, keys: [nameless]) == "token_unknown_key")
        let parts = try token().split(separator: ".")
        for count in [0, 1, 63, 65, 128] {
            let signature = Base64.url.encode([UInt8](repeating: 7, count: count))
            #expect(try code("\(parts[0]).\(parts[1]).\(signature)") == "token_malformed", "\(count)")
        }
    }

    @Test(
        "a JSON Web Key that is for something else is left out of its set, and the others stay",
        arguments: [
            ("\"kty\":\"OKP\"", "\"kty\":\"RSA\"", "of type RSA"), ("Ed25519", "X25519", "of type OKP on X25519"),
            ("\"alg\":\"EdDSA\"", "\"alg\":\"ES256\"", "alg is not EdDSA"),
            ("\"use\":\"sig\"", "\"use\":\"enc\"", "use"),
            ("\"use\":\"sig\"", "\"key_ops\":[\"sign\"]", "key_ops"), ("\"use\":\"sig\"", "\"d\":\"AA\"", "private"),
            ("\"x\":\"", "\"x\":\"AAAA", "32 bytes"), ("\"kid\"", "\"kid2\"", "kid is missing"),
        ])
    func foreignKeys(original: String, replacement: String, fault: String) throws {
        let good = String(decoding: key.publicKey.value.serialized(), as: UTF8.self)
        let foreign = good.replacing(original, with: replacement)
        #expect(foreign != good)
        let set = try TokenKeySet(parsing: Array("{\"keys\":[\(foreign),\(good)]}".utf8))
        #expect(set.keys == [key.publicKey])
        #expect(set.faults.count == 1 && set.faults.first?.description.contains(fault) == true, "\(set.faults)")
    }

    @Test("a set of keys is written and read back, and two keys of one name are refused")
    func keySets() throws {
        let keys = [key.publicKey, try TokenSigningKey.generate().publicKey]
        #expect(try TokenKeySet(parsing: TokenKeySet(keys: keys).serialized()).keys == keys)
        #expect(throws: TokenKeyFault.self) {
            try TokenKeySet(parsing: TokenKeySet(keys: [keys[0], keys[0]]).serialized())
        }
        #expect(throws: TokenKeyFault.self) { try TokenKeySet(parsing: Array("[]".utf8)) }
        #expect(try TokenSigningKey(pem: try key.pem()).publicKey == key.publicKey)
        #expect(throws: CryptographyError.self) { try TokenSigningKey(pem: TestKeys.p256) }
        #expect(throws: CryptographyError.self) { try TokenSigningKey(pem: TestKeys.x25519) }
    }
}
