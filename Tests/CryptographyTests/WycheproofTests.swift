import Cryptography
import ModelTrust
import Testing

@Suite struct WycheproofTests {
    @Test(
        "ECDSA P-256: every case is judged as Wycheproof judges it",
        .enabled(if: VectorFiles.has("wycheproof/ecdsa_secp256r1_sha256_test.json"), "vectors absent"))
    func ecdsa() throws {
        var judged = 0
        for group in try VectorFiles.json("wycheproof/ecdsa_secp256r1_sha256_test.json")["testGroups"]?.items ?? [] {
            let key = try PublicKey(pem: try #require(group["publicKeyPem"]?.text))
            for test in group["tests"]?.items ?? [] {
                let message = try #require(test["msg"]?.text.flatMap(bytes(hex:)))
                let signature = try #require(test["sig"]?.text.flatMap(bytes(hex:)))
                let valid = test["result"]?.text == "valid"
                #expect(key.accepts(derSignature: signature, over: message) == valid, "\(test)")
                judged += 1
            }
        }
        #expect(judged >= 480)
    }

    @Test(
        "JSON Web Signatures: no invalid text is accepted by an ES256 key",
        .enabled(if: VectorFiles.has("wycheproof/json_web_signature_test.json"), "vectors absent"))
    func jws() throws {
        var accepted = 0
        var refused = 0
        for group in try VectorFiles.json("wycheproof/json_web_signature_test.json")["testGroups"]?.items ?? [] {
            guard group["public"]?["crv"]?.text == "P-256", group["public"]?["alg"]?.text == "ES256",
                let x = group["public"]?["x"]?.text.flatMap(Base64.url.decode),
                let y = group["public"]?["y"]?.text.flatMap(Base64.url.decode)
            else { continue }
            let prefix = try #require(bytes(hex: "3059301306072a8648ce3d020106082a8648ce3d03010703420004"))
            let key = try PublicKey(subjectPublicKeyInfo: prefix + x + y)
            for test in group["tests"]?.items ?? [] {
                let valid = test["result"]?.text == "valid"
                let text = try #require(test["jws"]?.text)
                #expect(Self.accepts(text, key) == valid, "\(test)")
                if valid { accepted += 1 } else { refused += 1 }
            }
        }
        #expect(accepted == 2)
        #expect(refused >= 37)
    }

    private static func accepts(_ text: String, _ key: PublicKey) -> Bool {
        for type in [nil, "JWT"] {
            guard let token = try? CompactJWS(parsing: text, type: type) else { continue }
            return key.accepts(rawSignature: token.signature, over: token.signedMessage)
        }
        return false
    }
}
