import Cryptography
import ModelTrust
import Testing

/// Every case of Wycheproof's sets for the algorithms in use; where one is refused because it is outside the profile,
/// the reason is counted and shown.
@Suite struct WycheproofTests {
    /// Counts verdicts by the reason given here and the one given there.
    private struct Tally {
        private var counts: [String: Int] = [:]
        private(set) var total = 0

        mutating func add(_ ours: String, theirs: String) {
            counts["\(ours) | \(theirs)", default: 0] += 1
            total += 1
        }

        func show(_ title: String) {
            for (verdict, count) in counts.sorted(by: { $0.key < $1.key }) {
                print("| \(title) | \(verdict) | \(count) |")
            }
        }
    }

    /// The cases of a file with their groups; their number is the one that the file announces.
    private static func cases(_ file: String) throws -> [(group: JSONValue, test: JSONValue, verdict: String)] {
        let document = try VectorFiles.json("wycheproof/\(file)")
        var cases: [(group: JSONValue, test: JSONValue, verdict: String)] = []
        for group in document["testGroups"]?.items ?? [] {
            for test in group["tests"]?.items ?? [] {
                cases.append((group, test, try #require(test["result"]?.text)))
            }
        }
        #expect(document["numberOfTests"] == .integer(Int64(cases.count)))
        return cases
    }

    @Test(
        "ECDSA P-256: every case is judged as Wycheproof judges it",
        .enabled(if: VectorFiles.has("wycheproof/ecdsa_secp256r1_sha256_test.json"), "vectors absent"))
    func ecdsa() throws {
        var tally = Tally()
        for (group, test, verdict) in try Self.cases("ecdsa_secp256r1_sha256_test.json") {
            let key = try PublicKey(pem: try #require(group["publicKeyPem"]?.text))
            let message = try #require(test["msg"]?.text.flatMap(bytes(hex:)))
            let signature = try #require(test["sig"]?.text.flatMap(bytes(hex:)))
            let accepted = key.accepts(derSignature: signature, over: message)
            #expect(accepted == (verdict == "valid"), "\(test)")
            tally.add(accepted ? "accepted" : "signature_invalid", theirs: verdict)
        }
        #expect(tally.total == 484)
        tally.show("ECDSA P-256")
    }

    @Test(
        "Ed25519: every case is judged as Wycheproof judges it",
        .enabled(if: VectorFiles.has("wycheproof/ed25519_test.json"), "vectors absent"))
    func ed25519() throws {
        var tally = Tally()
        for (group, test, verdict) in try Self.cases("ed25519_test.json") {
            let point = try #require(group["publicKey"]?["pk"]?.text.flatMap(bytes(hex:)))
            let key = try TokenVerificationKey(TokenKeyDescription(keyID: "k", algorithm: .edDSA, point: point))
            let message = try #require(test["msg"]?.text.flatMap(bytes(hex:)))
            let signature = try #require(test["sig"]?.text.flatMap(bytes(hex:)))
            let accepted = key.accepts(signature: signature, over: message)
            #expect(accepted == (verdict == "valid"), "\(test)")
            tally.add(accepted ? "accepted" : "signature_invalid", theirs: verdict)
        }
        #expect(tally.total == 151)
        tally.show("Ed25519")
    }

    @Test(
        "JSON Web Signatures: nothing invalid is accepted; what is valid is, where its algorithm is on the list",
        .enabled(if: VectorFiles.has("wycheproof/json_web_signature_test.json"), "vectors absent"))
    func jws() throws {
        var tally = Tally()
        var accepted = 0
        for (group, test, verdict) in try Self.cases("json_web_signature_test.json") {
            let described = try #require(group["public"] ?? group["private"])
            let text = try #require(test["jws"]?.text)
            let refusal = Self.refusal(of: text, by: JSONValue.object(["keys": .array([described])]))
            if verdict == "invalid" { #expect(refusal != nil, "\(test)") }
            if verdict == "valid", group["public"]?["alg"]?.text == "ES256" { #expect(refusal == nil, "\(test)") }
            if refusal == nil { accepted += 1 }
            tally.add(refusal ?? "accepted", theirs: verdict)
        }
        #expect(tally.total == 401)
        #expect(accepted == 2)
        tally.show("JWS")
    }

    @Test(
        "JSON Web Keys: no key and no set of keys that Wycheproof refuses lets a signature through",
        .enabled(if: VectorFiles.has("wycheproof/json_web_key_test.json"), "vectors absent"))
    func jwk() throws {
        var tally = Tally()
        for (group, test, verdict) in try Self.cases("json_web_key_test.json") {
            let described = try #require(group["public"] ?? group["private"])
            let refusal = Self.refusal(of: try #require(test["jws"]?.text), by: described)
            // The valid ones are of HMAC and RSA.
            #expect(refusal != nil, "\(test)")
            tally.add(refusal ?? "accepted", theirs: verdict)
        }
        #expect(tally.total == 26)
        tally.show("JWK")
    }

    /// Why a text is refused with a set of keys; nil where it is accepted.
    private static func refusal(of text: String, by set: JSONValue) -> String? {
        do {
            let token = try SignedToken(parsing: text)
            let keys = try TokenKeySet(parsing: set.serialized())
            guard keys.faults.isEmpty else { return "key: \(keys.faults[0])" }
            try token.requireSigned(by: try keys.keys.map { try TokenVerificationKey($0) })
            return nil
        } catch let refusal as TokenRefusal {
            guard case .algorithmForbidden(let name) = refusal else { return refusal.code }
            return "\(refusal.code) (\(name.prefix(12)))"
        } catch let fault as TokenKeyFault {
            return "key set: \(fault)"
        } catch {
            return "key: \(error)"
        }
    }
}
