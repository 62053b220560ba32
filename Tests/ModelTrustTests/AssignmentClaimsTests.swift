import Fleet
import ModelTrust
import Testing

@Suite struct AssignmentClaimsTests {
    let key = ToyKey(name: "assignment")

    func claims() throws -> AssignmentClaims {
        let digest = ToyDigest().digest(of: [1])
        return AssignmentClaims(
            device: try DeviceID("cam-001"), number: 7, model: try ModelName("digits"),
            run: .init(version: try VersionName("v2"), digest: digest, sizeBytes: 4096),
            fallback: .init(version: try VersionName("v1"), digest: digest),
            deployment: try DeploymentName("digits"), rollout: try RolloutID("digits-2"), updatingSeconds: 600,
            issuedAt: 1_700_000_000, expiresAt: 1_700_086_400)
    }

    func verify(_ text: String, device: String = "cam-001") throws -> AssignmentClaims {
        try AssignmentClaims(
            verifying: text, trustedKeys: [ToyKey(name: "other"), key], device: try DeviceID(device))
    }

    func token(header: String, payload: [UInt8]? = nil, signer: ToyKey? = nil) throws -> String {
        let payload = try payload ?? claims().serialized()
        let message = Base64.url.encode(header.bytes) + "." + Base64.url.encode(payload)
        return message + "." + Base64.url.encode((signer ?? key).rawSignature(over: message.bytes))
    }

    @Test("what was signed is what is read")
    func roundTrip() throws {
        let signed = try claims().signed(with: key)
        #expect(try verify(signed) == claims())
        #expect(signed.utf8.count < 1024)
    }

    @Test("nothing to run, nothing to fall back to and no rollout are said by absence")
    func absent() throws {
        var claims = try claims()
        claims.run = nil
        claims.fallback = nil
        claims.deployment = nil
        claims.rollout = nil
        #expect(try verify(claims.signed(with: key)) == claims)
        #expect(!claims.serialized().text.contains("null"))
    }

    @Test("an order to install once more is said only where it is given")
    func reinstall() throws {
        var claims = try claims()
        #expect(!claims.serialized().text.contains("reinstall"), "what an older agent reads is what it always read")
        claims.reinstall = true
        #expect(try verify(claims.signed(with: key)) == claims)
        let odd = claims.serialized().text.replacing("\"reinstall\":true", with: "\"reinstall\":1")
        let refusal = #expect(throws: AssignmentRefusal.self) { try AssignmentClaims(parsing: odd.bytes) }
        #expect(refusal?.code == "assignment_claims_malformed")
    }

    @Test("under which number a version was ordered on purpose is said only where it was")
    func retry() throws {
        var claims = try claims()
        #expect(!claims.serialized().text.contains("retry"), "what an older agent reads is what it always read")
        claims.retry = claims.number
        #expect(try verify(claims.signed(with: key)) == claims)
        claims.retry = claims.number + 1
        let refusal = #expect(throws: AssignmentRefusal.self) { try AssignmentClaims(parsing: claims.serialized()) }
        #expect(refusal?.code == "assignment_claims_malformed")
    }

    @Test("an assignment of another device is refused")
    func otherDevice() throws {
        let signed = try claims().signed(with: key)
        let refusal = #expect(throws: AssignmentRefusal.self) { try verify(signed, device: "cam-002") }
        #expect(refusal?.code == "assignment_wrong_device")
    }

    @Test("an unpinned key and a wrong signature are told apart")
    func keys() throws {
        let stranger = ToyKey(name: "stranger")
        #expect(throws: AssignmentRefusal.unknownKey(stranger.fingerprint.hex)) {
            try verify(try claims().signed(with: stranger))
        }
        let header = #"{"alg":"ES256","typ":"edge-assignment+jwt"}"#
        _ = try verify(try token(header: header))
        #expect(throws: AssignmentRefusal.signatureInvalid) { try verify(try token(header: header, signer: stranger)) }
    }

    @Test("one changed character anywhere is refused")
    func anyChange() throws {
        let signed = Array(try claims().signed(with: key).utf8)
        for index in signed.indices {
            var altered = signed
            altered[index] = altered[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(throws: AssignmentRefusal.self, "byte \(index)") { try verify(altered.text) }
        }
    }

    @Test(
        "a header outside the profile is refused",
        arguments: [
            (#"{"alg":"none","typ":"edge-assignment+jwt"}"#, "assignment_algorithm_forbidden"),
            (#"{"alg":"HS256","typ":"edge-assignment+jwt"}"#, "assignment_algorithm_forbidden"),
            (#"{"alg":"es256","typ":"edge-assignment+jwt"}"#, "assignment_algorithm_forbidden"),
            (#"{"alg":"EdDSA","typ":"edge-assignment+jwt"}"#, "assignment_algorithm_forbidden"),
            (#"{"typ":"edge-assignment+jwt"}"#, "assignment_algorithm_forbidden"),
            (#"{"alg":"ES256"}"#, "assignment_type_forbidden"),
            (#"{"alg":"ES256","typ":"JWT"}"#, "assignment_type_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","crit":["exp"],"exp":1}"#, "assignment_header_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","jwk":{}}"#, "assignment_header_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","jku":"https://x"}"#, "assignment_header_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","x5u":"https://x"}"#, "assignment_header_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","b64":false}"#, "assignment_header_forbidden"),
            (#"{"alg":"ES256","typ":"edge-assignment+jwt","kid":1}"#, "assignment_malformed"),
            (#"{"alg":"ES256","alg":"ES256","typ":"edge-assignment+jwt"}"#, "assignment_malformed"),
            ("[]", "assignment_malformed"),
        ])
    func headers(header: String, code: String) throws {
        let refusal = #expect(throws: AssignmentRefusal.self) { try verify(try token(header: header)) }
        #expect(refusal?.code == code)
    }

    @Test(
        "a text that is no compact JWS is refused",
        arguments: ["", "a", "a.b", "a.b.c.d", "....", "e30=.e30.AA", "e30.e 30.AA", "e30..", "é.é.é"])
    func malformed(text: String) {
        let refusal = #expect(throws: AssignmentRefusal.self) { try verify(text) }
        #expect(refusal.map { $0.code.hasPrefix("assignment_") } == true)
    }

    @Test("a text beyond 8 KiB is refused unread")
    func tooLarge() {
        #expect(throws: AssignmentRefusal.tooLarge(bytes: 8193)) { try verify(String(repeating: "a", count: 8193)) }
    }

    @Test(
        "signed content that is no assignment is refused",
        arguments: [
            ("[]", "the document must be an object"), ("{}", "sub is missing"),
            (#"{"sub":"a/b"}"#, "sub: "), (#"{"sub":"a","number":-1}"#, "number must be within"),
            (
                #"{"sub":"a","number":1,"model":"m","updatingSeconds":1,"iat":5,"exp":5}"#, "exp must be after iat"
            ),
            (#"{"sub":"a","number":1,"model":"m","run":{"version":"v","digest":"00"}}"#, "run.digest"),
        ])
    func claimsMalformed(payload: String, reason: String) throws {
        let header = #"{"alg":"ES256","typ":"edge-assignment+jwt"}"#
        let refusal = #expect(throws: AssignmentRefusal.self) {
            try verify(try token(header: header, payload: payload.bytes))
        }
        #expect(refusal?.code == "assignment_claims_malformed")
        #expect(refusal?.description.contains(reason) == true)
    }

    @Test(
        "an assignment is fresh from its issue to its expiry, with a minute's leeway on both ends",
        arguments: [
            (1_699_999_939, "assignment_not_yet_valid"), (1_699_999_940, nil), (1_700_000_000, nil),
            (1_700_086_459, nil), (1_700_086_460, "assignment_expired"),
        ] as [(Int64, String?)])
    func freshness(now: Int64, code: String?) throws {
        let claims = try claims()
        do throws(AssignmentRefusal) {
            try claims.requireFresh(now: now)
            #expect(code == nil)
        } catch {
            #expect(error.code == code)
        }
    }

    @Test("every refusal has its own code and a sentence")
    func codes() throws {
        let device = try DeviceID("d")
        let refusals: [AssignmentRefusal] = [
            .tooLarge(bytes: 1), .malformed(reason: "r"), .algorithmForbidden("a"), .typeForbidden("t"),
            .headerForbidden("h"), .unknownKey("k"), .signatureInvalid, .claimsMalformed(reason: "r"),
            .wrongDevice(expected: device, actual: device), .notYetValid(issuedAt: 1, now: 0),
            .expired(expiresAt: 0, now: 1),
        ]
        #expect(refusals.map(\.code) == AssignmentRefusal.codes)
        #expect(refusals.allSatisfy { $0.description.hasSuffix(".") })
    }
}
