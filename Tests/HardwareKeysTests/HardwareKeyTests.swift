import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing

@testable import HardwareKeys

/// Keys in a real token (SoftHSM).
@Suite(.serialized, .enabled(if: SoftToken.module != nil, "SoftHSM is not installed (softhsm2)"))
struct HardwareKeyTests {
    private let token: SoftToken

    init() throws { token = try SoftToken.get() }

    private func error(_ uri: KeyURI, pin: String?) -> HardwareKeyError? {
        do throws(HardwareKeyError) {
            _ = try HardwareKey(uri, pin: pin)
            return nil
        } catch {
            return error
        }
    }

    @Test("a key that was made in a token signs a version there, and devices that trust its public half accept it")
    func signsVersion() throws {
        let uri = try token.uri("publisher")
        let publicKey = try HardwareKey.generate(uri, pin: token.pin)
        let key = try HardwareKey(uri, pin: token.pin)
        #expect(key.publicKey == publicKey)
        let digest = SHA256().digest(of: [1, 2, 3])
        let files = [FileDigest(path: try ArtifactPath("model.bin"), digest: digest)]
        let bundle = try ModelSigner(key.signer).sign(files: files, subject: "digits/v1")
        let version = try ModelVerifier(trustedKeys: [publicKey]).authenticate(bundle: bundle)
        #expect(version.statement.files == files && version.signer == publicKey.fingerprint)
        #expect(throws: ArtifactRefusal.self) {
            try ModelVerifier(trustedKeys: [try SigningKey.generate().publicKey]).authenticate(bundle: bundle)
        }
    }

    @Test("a recovery key in a token signs a key set that devices follow")
    func signsKeySet() throws {
        let uri = try token.uri("recovery")
        let recovery = try HardwareKey.generate(uri, pin: token.pin)
        let online = try SigningKey.generate().publicKey
        let set = PublisherKeySet(number: 1, issuedAt: 1, keys: [online], recoveryKey: recovery)
        let signer = try HardwareKey(uri, pin: token.pin).signer
        let text = try SignedKeySet.sign(set, with: [(recovery, signer)])
        var trust = PublisherTrust<PublicKey>(keys: [], recoveryKey: recovery.fingerprint, number: 0)
        try trust.follow(text)
        #expect(trust.keys == [online])
    }

    @Test("a key that came into the token from elsewhere signs as it did in its file")
    func imported() throws {
        let known = token.imported
        let key = try HardwareKey(try token.uri("imported"), pin: token.pin)
        #expect(key.publicKey == known.publicKey)
        let signature = try key.signer.derSignature(over: [9])
        #expect(known.publicKey.accepts(derSignature: signature, over: [9]))
    }

    @Test("no program can read out of the token what was made there")
    func staysInside() throws {
        _ = try HardwareKey.generate(try token.uri("inside"), pin: token.pin)
        let keys = try token.privateKeys()
        #expect(keys.count >= 3, "two came from elsewhere")
        for key in keys {
            #expect(key["CKA_SENSITIVE"] == "TRUE" && key["CKA_EXTRACTABLE"] == "FALSE")
        }
    }

    @Test("a key is never overwritten")
    func neverOverwritten() throws {
        let uri = try token.uri("once")
        let first = try HardwareKey.generate(uri, pin: token.pin)
        #expect(throws: HardwareKeyError.keyExists(locator: uri.locator)) {
            try HardwareKey.generate(uri, pin: token.pin)
        }
        #expect(try HardwareKey(uri, pin: token.pin).publicKey == first)
    }

    @Test("a wrong PIN is tried once and named, without the PIN; the right one works afterwards")
    func wrongPIN() throws {
        let uri = try token.uri("imported")
        let refused = error(uri, pin: "31337-wrong")
        #expect(refused == .pinWrong(token: token.label))
        #expect(refused.map { "\($0)".contains("31337") } == false)
        #expect(error(uri, pin: nil) == .pinMissing(token: token.label))
        #expect(error(uri, pin: String(repeating: "9", count: 5000)) == .pinWrong(token: token.label))
        #expect(error(uri, pin: token.pin) == nil)
    }

    @Test("a PIN is tried once: when the token asks again, it gets no second try")
    func triedOnce() {
        var buffer = [CChar](repeating: 1, count: 64)
        func answer(_ flags: UInt32) -> (Int32, HardwareKeyError?) {
            let prompt = PINPrompt("1234")
            let status = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe prompt.answer(token: "t", flags: flags, into: $0)
            }
            return (status, prompt.error)
        }
        #expect(answer(1) == (0, nil))
        #expect(buffer.prefix(5) == [49, 50, 51, 52, 0])
        #expect(answer(1 | 32) == (-1, .pinWrong(token: "t")))
        #expect(answer(1 | 4) == (-1, .pinLastTry(token: "t")))
    }

    @Test("an absent token, an absent key and an absent library are told apart, with what to do")
    func absent() throws {
        let uri = try token.uri("publisher", token: "nowhere")
        #expect(error(uri, pin: token.pin) == .tokenAbsent(locator: uri.locator))
        let key = try token.uri("nobody")
        #expect(error(key, pin: token.pin) == .keyAbsent(locator: key.locator))
        let library = try KeyURI("pkcs11:token=t;object=o?module-path=/nowhere/lib.so")
        guard case .module("/nowhere/lib.so", _)? = error(library, pin: nil) else {
            Issue.record("the library is said to be there")
            return
        }
    }

    @Test("a key that is not on P-256 is refused")
    func otherCurve() throws {
        guard case .unfit(_, let reason)? = error(try token.uri("p384"), pin: token.pin) else {
            Issue.record("a key on another curve was taken")
            return
        }
        #expect(reason.contains("P-256"))
    }
}
