import Cryptography
import Fleet
import ModelTrust
import Testing

@Suite struct SigningKeyTests {
    @Test("what a key signs, its public key accepts in both forms, and no other key does")
    func signAndVerify() throws {
        let key = try SigningKey.generate()
        let other = try SigningKey.generate()
        // Many rounds, because r and s have leading zeros now and then, which is where the two forms differ.
        for round in 0..<600 {
            let message = Array("message \(round)".utf8)
            let der = try key.derSignature(over: message)
            let raw = try key.rawSignature(over: message)
            #expect(key.publicKey.accepts(derSignature: der, over: message))
            #expect(key.publicKey.accepts(rawSignature: raw, over: message))
            #expect(!key.publicKey.accepts(derSignature: der, over: message + [0]))
            #expect(!other.publicKey.accepts(derSignature: der, over: message))
            #expect(!other.publicKey.accepts(rawSignature: raw, over: message))
        }
    }

    @Test("keys survive their text forms")
    func pemRoundTrip() throws {
        let key = try SigningKey.generate()
        let text = try key.pem()
        #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(try SigningKey(pem: text).publicKey == key.publicKey)
        let publicKey = try PublicKey(pem: key.publicKey.pem)
        #expect(publicKey == key.publicKey)
        #expect(publicKey.pem == key.publicKey.pem)
        #expect(try PublicKey(subjectPublicKeyInfo: key.publicKey.subjectPublicKeyInfo) == key.publicKey)
        #expect(publicKey.fingerprint == SHA256().digest(of: publicKey.subjectPublicKeyInfo))
        #expect(publicKey.pemDigest == SHA256().digest(of: Array(publicKey.pem.utf8)))
        #expect(!"\(key)".contains(text.dropFirst(40).prefix(20)))
    }

    @Test("the names of a key are what other tools compute")
    func knownFingerprints() throws {
        let key = try SigningKey(pem: TestKeys.p256)
        #expect(key.publicKey.pem == TestKeys.p256Public)
        #expect(key.fingerprint.hex == TestKeys.p256Fingerprint)
        #expect(key.pemDigest.hex == TestKeys.p256PEMDigest)
        #expect(try SigningKey(pem: TestKeys.p256Traditional).publicKey == key.publicKey)
    }

    @Test(
        "a text that is no usable key is refused with a reason",
        arguments: ["", "hello", TestKeys.p256Public, TestKeys.p384, TestKeys.ed25519, TestKeys.p256Encrypted])
    func unusablePrivateKey(pem: String) {
        let error = #expect(throws: CryptographyError.self) { try SigningKey(pem: pem) }
        #expect(error?.description.hasPrefix("could not ") == true)
    }

    @Test(
        "a public key that is not on P-256 is refused",
        arguments: ["", "x", TestKeys.p256, TestKeys.p384Public, TestKeys.ed25519Public, TestKeys.p256Explicit])
    func unusablePublicKey(pem: String) {
        #expect(throws: CryptographyError.self) { try PublicKey(pem: pem) }
    }

    @Test("only pinned keys are taken")
    func pinned() throws {
        let wanted = try SigningKey.generate().publicKey
        let other = try SigningKey.generate().publicKey
        #expect(try PublicKey.pinned([other.pem, wanted.pem], to: [wanted.fingerprint]) == [wanted])
        #expect(throws: CryptographyError.self) { try PublicKey.pinned(["x"], to: [wanted.fingerprint]) }
    }

    @Test(
        "malformed signatures are not valid", arguments: [[], [0x30], [0x30, 0x00], [UInt8](repeating: 0, count: 64)])
    func malformedSignature(signature: [UInt8]) throws {
        let key = try SigningKey.generate().publicKey
        #expect(!key.accepts(derSignature: signature, over: []))
        #expect(!key.accepts(rawSignature: signature, over: []))
    }

    @Test("a refused signature leaves no error behind for the next failure")
    func errorQueue() throws {
        let key = try SigningKey.generate().publicKey
        // r = s = 0 is well formed, and libcrypto files an error about it.
        #expect(!key.accepts(derSignature: [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00], over: []))
        let clean = #expect(throws: CryptographyError.self) { try PublicKey(pem: "x") }
        let again = #expect(throws: CryptographyError.self) { try PublicKey(pem: "x") }
        #expect(clean == again)
    }

    @Test("the JWS of RFC 7515 appendix A.3 verifies")
    func rfc7515() throws {
        let text = """
            eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ij\
            p0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
            """
        let token = try CompactJWS(parsing: text, type: nil)
        let x = try #require(Base64.url.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))
        let y = try #require(Base64.url.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
        let prefix = try #require(bytes(hex: "3059301306072a8648ce3d020106082a8648ce3d03010703420004"))
        let key = try PublicKey(subjectPublicKeyInfo: prefix + x + y)
        #expect(key.accepts(rawSignature: token.signature, over: token.signedMessage))
        #expect(!key.accepts(rawSignature: token.signature, over: token.signedMessage + [0]))
        #expect(String(decoding: token.payload, as: UTF8.self).hasPrefix(#"{"iss":"joe","#))
    }

    @Test("an assignment signed with a real key is read with its public key")
    func assignment() throws {
        let key = try SigningKey.generate()
        let device = try DeviceID("cam-1")
        let claims = AssignmentClaims(
            device: device, number: 1, model: try ModelName("digits"), run: nil, fallback: nil, deployment: nil,
            rollout: nil, updatingSeconds: 600, issuedAt: 1, expiresAt: 2)
        let text = try claims.signed(with: key)
        #expect(try AssignmentClaims(verifying: text, trustedKeys: [key.publicKey], device: device) == claims)
    }
}
