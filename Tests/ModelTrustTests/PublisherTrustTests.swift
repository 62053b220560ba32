import Fleet
import ModelTrust
import Testing

extension ToyKey: PEMKey {
    var pem: String { "toy \(name)" }

    static func read(pem: String) -> ToyKey? {
        pem.hasPrefix("toy ") ? ToyKey(name: String(pem.dropFirst(4))) : nil
    }
}

@Suite struct PublisherTrustTests {
    private let recovery = ToyKey(name: "recovery")
    private let successor = ToyKey(name: "successor")
    private let first = ToyKey(name: "first")
    private let second = ToyKey(name: "second")
    private let third = ToyKey(name: "third")

    private var pinned: PublisherTrust<ToyKey> {
        PublisherTrust(keys: [first], recoveryKey: recovery.fingerprint, number: 0)
    }

    private func set(
        _ number: UInt64, _ keys: [ToyKey], recovery: ToyKey? = nil, revoked: [ToyKey] = []
    ) -> PublisherKeySet<ToyKey> {
        PublisherKeySet(
            number: number, issuedAt: 1_700_000_000, keys: keys, recoveryKey: recovery ?? self.recovery,
            revoked: revoked)
    }

    private func signed(_ set: PublisherKeySet<ToyKey>, by signers: [ToyKey]? = nil) -> [UInt8] {
        SignedKeySet.sign(set, with: (signers ?? [recovery]).map { ($0, $0) })
    }

    private func refusal(_ trust: PublisherTrust<ToyKey>, _ text: [UInt8]) -> KeySetRefusal? {
        var next = trust
        do {
            try next.follow(text)
            return nil
        } catch {
            #expect(next.number == trust.number && next.keys.map(\.name) == trust.keys.map(\.name))
            #expect(next.recoveryKey == trust.recoveryKey && next.revoked.map(\.name) == trust.revoked.map(\.name))
            return error
        }
    }

    @Test("the recovery key admits a key and revokes another")
    func follows() throws {
        var trust = pinned
        try trust.follow(signed(set(1, [first, second])))
        #expect(trust.keys.map(\.name) == ["first", "second"] && trust.number == 1)
        let followed = try trust.follow(signed(set(2, [second], revoked: [first])))
        #expect(followed.issuedAt == 1_700_000_000)
        #expect(trust.keys.map(\.name) == ["second"] && trust.revoked.map(\.name) == ["first"] && trust.number == 2)
    }

    @Test("an online key signs no key set, be it trusted or revoked")
    func onlineKey() throws {
        #expect(
            refusal(pinned, signed(set(1, [first, second]), by: [first])) == .unknownSigner([first.fingerprint]))
        var trust = pinned
        try trust.follow(signed(set(1, [second], revoked: [first])))
        #expect(refusal(trust, signed(set(2, [first]), by: [first])) == .unknownSigner([first.fingerprint]))
    }

    @Test("a key that claims to be the recovery key must have made the signature, over this very content")
    func forgedSignature() throws {
        let text = SignedKeySet.sign(set(1, [second]), with: [(recovery, first)])
        #expect(refusal(pinned, text) == .signatureInvalid(key: recovery.fingerprint))
        guard case .object(var members) = try JSONValue(parsing: signed(set(1, [second]))) else { return }
        members["payload"] = .string(Base64.standard.encode(set(1, [third]).serialized()))
        #expect(
            refusal(pinned, JSONValue.object(members).serialized())
                == .signatureInvalid(key: recovery.fingerprint))
    }

    @Test(
        "a signature over the same bytes for another purpose is none", arguments: ["application/vnd.in-toto+json", ""])
    func otherPurpose(type: String) throws {
        let payload = set(1, [second]).serialized()
        let message = DSSE.preAuthenticationEncoding(payloadType: type, payload: payload)
        let text = JSONValue.object([
            "payload": .string(Base64.standard.encode(payload)),
            "payloadType": .string(PublisherKeySet<ToyKey>.payloadType),
            "signatures": .array([
                .object([
                    "keyid": .string(recovery.fingerprint.hex), "key": .string(recovery.pem),
                    "sig": .string(Base64.standard.encode(recovery.derSignature(over: message))),
                ])
            ]),
        ])
        #expect(refusal(pinned, text.serialized()) == .signatureInvalid(key: recovery.fingerprint))
    }

    @Test("numbers neither go back nor repeat nor skip", arguments: [1, 2, 4, 5, 1 << 52] as [UInt64])
    func numbers(number: UInt64) throws {
        var trust = pinned
        try trust.follow(signed(set(1, [first])))
        try trust.follow(signed(set(2, [first])))
        let refused = refusal(trust, signed(set(number, [second])))
        #expect(
            refused
                == (number <= 2
                    ? .rollback(followed: 2, offered: number) : .skipped(followed: 2, offered: number)))
    }

    @Test("a new recovery key takes over when both sign, and the old one has no say any more")
    func handOver() throws {
        let handOver = set(1, [first], recovery: successor)
        #expect(refusal(pinned, signed(handOver)) == .successorNotSigned(key: successor.fingerprint))
        #expect(
            refusal(pinned, SignedKeySet.sign(handOver, with: [(recovery, recovery), (successor, recovery)]))
                == .successorNotSigned(key: successor.fingerprint))
        #expect(refusal(pinned, signed(handOver, by: [successor])) == .unknownSigner([successor.fingerprint]))
        var trust = pinned
        try trust.follow(signed(handOver, by: [recovery, successor]))
        #expect(trust.recoveryKey == successor.fingerprint)
        #expect(refusal(trust, signed(set(2, [second]))) == .unknownSigner([recovery.fingerprint]))
        try trust.follow(signed(set(2, [second], recovery: successor), by: [successor]))
        #expect(trust.number == 2)
    }

    @Test("what was revoked once stays revoked, whatever later sets leave out or say")
    func revokedForGood() throws {
        var trust = pinned
        try trust.follow(signed(set(1, [second], revoked: [first])))
        #expect(refusal(trust, signed(set(2, [first, second]))) == .revivesRevoked(key: first.fingerprint))
        let back = set(2, [second], recovery: first)
        #expect(
            refusal(trust, signed(back, by: [recovery, first])) == .revivesRevoked(key: first.fingerprint))
        try trust.follow(signed(set(2, [second])))
        try trust.follow(signed(set(3, [third], revoked: [second])))
        #expect(Set(trust.revoked.map(\.name)) == ["first", "second"])
    }

    @Test("without a pinned recovery key nothing is followed; without a pin a chain begins by its own word")
    func beginnings() throws {
        let unpinned = PublisherTrust<ToyKey>(keys: [first], recoveryKey: nil, number: 0)
        #expect(refusal(unpinned, signed(set(1, [second]))) == .noRecoveryKey)
        let text = signed(set(1, [second]))
        var kept = try PublisherTrust<ToyKey>(beginning: text)
        try kept.follow(text)
        #expect(kept.number == 1 && kept.keys.map(\.name) == ["second"])
        #expect(
            refusal(kept, signed(set(2, [third], recovery: successor), by: [successor]))
                == .unknownSigner([successor.fingerprint]))
    }

    @Test(
        "a signed set that contradicts itself or holds what is not known is refused",
        arguments: [
            ("no keys", #"{"number":1,"issuedAt":1,"keys":[],"recoveryKey":"toy recovery","revoked":[]}"#),
            ("number 0", #"{"number":0,"issuedAt":1,"keys":["toy a"],"recoveryKey":"toy recovery","revoked":[]}"#),
            (
                "recovery online",
                #"{"number":1,"issuedAt":1,"keys":["toy recovery"],"recoveryKey":"toy recovery","revoked":[]}"#
            ),
            (
                "trusted and revoked",
                #"{"number":1,"issuedAt":1,"keys":["toy a"],"recoveryKey":"toy recovery","revoked":["toy a"]}"#
            ),
            (
                "recovery revoked",
                #"{"number":1,"issuedAt":1,"keys":["toy a"],"recoveryKey":"toy recovery","revoked":["toy recovery"]}"#
            ),
            (
                "a key twice",
                #"{"number":1,"issuedAt":1,"keys":["toy a","toy a"],"recoveryKey":"toy recovery","revoked":[]}"#
            ),
            ("no key", #"{"number":1,"issuedAt":1,"keys":["a"],"recoveryKey":"toy recovery","revoked":[]}"#),
            (
                "unknown member",
                #"{"number":1,"issuedAt":1,"keys":["toy a"],"recoveryKey":"toy recovery","revoked":[],"x":1}"#
            ),
            ("missing", #"{"number":1,"issuedAt":1,"keys":["toy a"],"recoveryKey":"toy recovery"}"#),
        ])
    func contradictions(name: String, payload: String) throws {
        let message = DSSE.preAuthenticationEncoding(
            payloadType: PublisherKeySet<ToyKey>.payloadType, payload: payload.bytes)
        let text = JSONValue.object([
            "payload": .string(Base64.standard.encode(payload.bytes)),
            "payloadType": .string(PublisherKeySet<ToyKey>.payloadType),
            "signatures": .array([
                .object([
                    "keyid": .string(recovery.fingerprint.hex), "key": .string(recovery.pem),
                    "sig": .string(Base64.standard.encode(recovery.derSignature(over: message))),
                ])
            ]),
        ])
        #expect(refusal(pinned, text.serialized())?.code == "key_set_malformed", "\(name)")
    }

    @Test(
        "an envelope is read strictly: what nothing signs says nothing",
        arguments: [
            (#""payloadType":"application/vnd.edge-orchestrator.key-set+json""#, #""payloadType":"application/x""#),
            (#""payloadType""#, #""note":"","payloadType""#), (#""sig":"#, #""note":"","sig":"#),
            (#""keyid":""#, #""keyid":"0"#), (#""keyid":"[0-9a-f]{64}""#, #""keyid":"XX""#),
            (#""signatures":["#, #""signatures":[],"x":["#), (#""payload":""#, #""payload":"!"#),
            (#""sig":""#, #""sig":"!"#),
        ])
    func strictEnvelope(original: String, replacement: String) throws {
        let text = signed(set(1, [second])).text
        let other = String(repeating: "0", count: 64)
        let altered =
            original.contains("[0-9a-f]")
            ? text.replacing(recovery.fingerprint.hex, with: other) : text.replacing(original, with: replacement)
        #expect(altered != text)
        #expect(refusal(pinned, altered.bytes)?.code == "key_set_malformed")
    }

    @Test("an envelope has one or two signatures", arguments: [0, 3])
    func signatureCount(count: Int) {
        let text = SignedKeySet.sign(set(1, [second]), with: Array(repeating: (recovery, recovery), count: count))
        #expect(refusal(pinned, text)?.code == "key_set_malformed")
    }

    @Test("every refusal has a code of its own and a sentence")
    func sentences() {
        let refusals: [KeySetRefusal] = [
            .malformed(reason: "r"), .noRecoveryKey, .unknownSigner([]), .signatureInvalid(key: .zero),
            .successorNotSigned(key: .zero), .rollback(followed: 2, offered: 1), .skipped(followed: 2, offered: 4),
            .revivesRevoked(key: .zero),
        ]
        #expect(Set(refusals.map(\.code)).count == refusals.count)
        #expect(refusals.allSatisfy { $0.code.hasPrefix("key_set_") && $0.description.hasSuffix(".") })
        #expect("\(KeySetRefusal.unknownSigner([]))".contains("nobody"))
    }
}
