import Fleet
import ModelTrust
import Testing

@Suite struct EnrolmentTokenTests {
    static let secret = [UInt8](0..<32)

    static func pins() -> TrustPins {
        TrustPins(
            publisherKeys: [ToyKey(name: "a").fingerprint, ToyKey(name: "b").fingerprint],
            assignmentKey: ToyKey(name: "c").fingerprint, certificateAuthority: ToyKey(name: "d").fingerprint,
            controllerURL: "https://edge.example:8443")
    }

    static func token() throws -> EnrolmentToken { try #require(EnrolmentToken(secret: secret, pins: pins())) }

    @Test("what was written is what is read")
    func roundTrip() throws {
        let text = try Self.token().serialized()
        #expect(text.hasPrefix("eo1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8."))
        #expect(try EnrolmentToken(parsing: text) == Self.token())
    }

    @Test("authority and controller may be left out, and unknown members are ignored")
    func minimal() throws {
        let key = ToyKey(name: "a").fingerprint.hex
        let json = #"{"publisherKeys":["\#(key)"],"assignmentKey":"\#(key)","later":1}"#
        let pins = try TrustPins(parsing: json.bytes)
        #expect(pins.certificateAuthority == nil)
        #expect(pins.controllerURL == nil)
    }

    @Test("a recovery key and the key set's number are pinned; without them nothing is said of either")
    func recovery() throws {
        let key = ToyKey(name: "a").fingerprint
        let pins = TrustPins(publisherKeys: [key], recoveryKey: .zero, keySet: 7, assignmentKey: key)
        #expect(try TrustPins(parsing: pins.serialized()) == pins)
        let plain = TrustPins(publisherKeys: [key], assignmentKey: key)
        #expect(!plain.serialized().text.contains("recoveryKey") && !plain.serialized().text.contains("keySet"))
        #expect(try TrustPins(parsing: plain.serialized()).recoveryKey == nil)
        for wrong in [#""recoveryKey":"x""#, #""recoveryKey":1"#, #""keySet":-1"#, #""keySet":"1""#] {
            let json = #"{"publisherKeys":["\#(key.hex)"],"assignmentKey":"\#(key.hex)",\#(wrong)}"#
            #expect(throws: EnrolmentTokenRefusal.self, "\(wrong)") { try TrustPins(parsing: json.bytes) }
        }
    }

    @Test("a secret has 32 bytes", arguments: [0, 31, 33])
    func secretLength(count: Int) {
        #expect(EnrolmentToken(secret: [UInt8](repeating: 1, count: count), pins: Self.pins()) == nil)
    }

    @Test("a text of another kind is not taken for a token", arguments: ["", "eo2.a.b", "Bearer x", "eo1x", ".eo1"])
    func notAToken(text: String) {
        #expect(throws: EnrolmentTokenRefusal.notAToken) { try EnrolmentToken(parsing: text) }
    }

    @Test("a damaged token is refused, and the refusal does not repeat the secret")
    func damaged() throws {
        let parts = try Self.token().serialized().split(separator: ".").map(String.init)
        let noKeys = Base64.url.encode(
            #"{"publisherKeys":[],"assignmentKey":"\#(ToyKey(name: "a").fingerprint)"}"#.bytes)
        let texts = [
            "eo1", "eo1.", "\(parts[0]).\(parts[1])", "\(parts[0]).\(parts[1]).\(parts[2]).x",
            "\(parts[0]).\(parts[1].dropLast()).\(parts[2])", "\(parts[0]).\(parts[1]).\(parts[2].dropLast())",
            "\(parts[0]).\(parts[1])=.\(parts[2])", "\(parts[0]).\(parts[1]).e30", "\(parts[0]).\(parts[1]).\(noKeys)",
            "\(parts[0]).\(parts[1]).\(String(repeating: "A", count: 9000))",
        ]
        for text in texts {
            let refusal = #expect(throws: EnrolmentTokenRefusal.self, "\(text)") { try EnrolmentToken(parsing: text) }
            #expect(refusal?.code == "enrolment_token_malformed")
            #expect(refusal?.description.contains(parts[1]) == false)
        }
    }

    @Test("its description does not hold the secret")
    func description() throws {
        let token = try Self.token()
        #expect("\(token)" == "enrolment token (secret withheld) with 2 publisher key(s)")
    }
}
