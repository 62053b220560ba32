import ArgumentParser
import Cryptography
import Fleet
import Foundation
import HardwareKeys
import ModelTrust
import Terminal
import Testing

@testable import edgectl

/// Key sets as the holder of the recovery key signs them, offline.
@Suite struct KeySetFileTests {
    private let root: String
    private let file: String

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)").path
        file = root + "/keys.jsonl"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for name in ["recovery", "next", "a", "b"] { try run(["key", "generate", path(name)]) }
    }

    private func path(_ name: String) -> String { "\(root)/\(name)" }

    private func run(_ arguments: [String]) throws {
        var command = try Edgectl.parseAsRoot(arguments)
        try command.run()
    }

    private func rotate(_ more: [String], by recovery: String = "recovery") throws {
        try run(["key", "rotate", file, "--recovery-key", path(recovery)] + more)
    }

    private func revoke(_ more: [String]) throws {
        try run(["key", "revoke", file, "--recovery-key", path("recovery")] + more)
    }

    private func fingerprint(_ name: String) throws -> Digest { try KeyFile.publicKey(path(name) + ".pub").fingerprint }

    private func failure(_ body: () throws -> Void) -> CommandFailure? {
        do {
            try body()
            return nil
        } catch {
            return error as? CommandFailure
        }
    }

    @Test("rotate adds keys, revoke takes one away for good, and the file holds every set")
    func rotateAndRevoke() throws {
        try rotate(["--add", path("a") + ".pub"])
        try rotate(["--add", path("b") + ".pub"])
        try revoke(["--key", path("a") + ".pub"])
        let chain = try KeySetFile(reading: file)
        #expect(chain.envelopes.count == 3 && chain.trust.number == 3)
        #expect(chain.trust.keys.map(\.fingerprint) == [try fingerprint("b")])
        #expect(chain.trust.revoked.map(\.fingerprint) == [try fingerprint("a")])
        let refused = failure { try rotate(["--add", path("a") + ".pub"]) }
        #expect(refused?.description.contains("revoked") == true)
        #expect(try KeySetFile(reading: file).envelopes == chain.envelopes, "a refused set is not written")
    }

    @Test("a key is revoked by its fingerprint's beginning too, and never the last one")
    func byFingerprint() throws {
        try rotate(["--add", path("a") + ".pub", "--add", path("b") + ".pub"])
        let a = try fingerprint("a").hex
        #expect(failure { try revoke(["--key", String(a.prefix(7))]) }?.status == .invalid, "too short to be sure")
        try revoke(["--key", String(a.prefix(12))])
        let last = failure { try revoke(["--key", path("b") + ".pub"]) }
        #expect(last?.description.contains("no key would be left") == true)
        try revoke(["--key", path("b") + ".pub", "--add", path("next") + ".pub"])
        #expect(try KeySetFile(reading: file).trust.keys.map(\.fingerprint) == [try fingerprint("next")])
    }

    @Test("a recovery key hands over to another, and signs nothing afterwards")
    func handOver() throws {
        try rotate(["--add", path("a") + ".pub"])
        try rotate(["--new-recovery-key", path("next")])
        let refused = failure { try rotate(["--add", path("b") + ".pub"]) }
        #expect(refused?.description.contains("is not the recovery key") == true)
        try rotate(["--add", path("b") + ".pub"], by: "next")
        #expect(try KeySetFile(reading: file).trust.recoveryKey == fingerprint("next"))
    }

    @Test("the recovery key is no online key")
    func recoveryOnline() throws {
        let refused = failure { try rotate(["--add", path("recovery") + ".pub"]) }
        #expect(refused?.description.contains("it stays offline") == true)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test("a file with a set changed, left out or out of order is refused, with the number")
    func tampered() throws {
        try rotate(["--add", path("a") + ".pub"])
        try rotate(["--add", path("b") + ".pub"])
        try rotate(["--add", path("next") + ".pub"])
        let sets = try KeySetFile(reading: file).envelopes
        for (order, number) in [([0, 2], 2), ([1, 0], 1), ([0, 0], 2), ([1], 1)] {
            let refused = failure { _ = try KeySetFile(path: file, envelopes: order.map { sets[$0] }) }
            #expect(refused?.description.contains("key set \(number):") == true, "\(order)")
        }
        let changed = sets[0].replacing("\"payload\":\"", with: "\"payload\":\"AA")
        #expect(failure { _ = try KeySetFile(path: file, envelopes: [changed]) } != nil)
        #expect(failure { _ = try KeySetFile(path: file, envelopes: []) } != nil)
    }

    @Test("keys are listed from a file without a controller")
    func listed() throws {
        try rotate(["--add", path("a") + ".pub", "--add", path("b") + ".pub"])
        try revoke(["--key", path("a") + ".pub"])
        let lines = try KeyTable(try KeySetFile(reading: file).trust).lines.map(\.text)
        let text = lines.joined(separator: "\n")
        #expect(text.contains("\(try fingerprint("a"))   revoked"))
        #expect(text.contains("\(try fingerprint("b"))   counts"))
        #expect(text.contains("\(try fingerprint("recovery"))   recovery") && text.hasSuffix("key set 2"))
        try run(["key", "list", "--key-set", file])
    }

    @Test("a token is made from a file of key sets or from single keys, not from both and not from none")
    func tokenOptions() {
        func parses(_ more: [String]) -> Bool { (try? Edgectl.parseAsRoot(["token", "create"] + more)) != nil }
        #expect(parses(["--key-set", file]) && parses(["--publisher-key", "a.pub", "--recovery-key", "r.pub"]))
        #expect(!parses([]) && !parses(["--key-set", file, "--publisher-key", "a.pub"]))
        #expect(!parses(["--key-set", file, "--recovery-key", "r.pub"]))
    }

    @Test("a PIN comes from the first line of a file, and an empty one is said")
    func pins() throws {
        try "  12 34 \nmore\n".write(toFile: path("pin"), atomically: true, encoding: .utf8)
        let uri = try KeyURI("pkcs11:object=o?pin-source=\(path("pin"))")
        #expect(try TokenPIN.read(for: uri) == "  12 34 ")
        try "\n1234\n".write(toFile: path("pin"), atomically: true, encoding: .utf8)
        #expect(failure { _ = try TokenPIN.read(for: uri) }?.description.contains("holds no PIN") == true)
    }

    @Test("a key in a token is made only with a place for its public half; a failing token says what to do")
    func tokenKeys() throws {
        #expect(throws: (any Error).self) { try Edgectl.parseAsRoot(["key", "generate", "pkcs11:object=o"]) }
        #expect(throws: HardwareKeyError.self) { try run(["key", "public", "pkcs11:token=t"]) }
        #expect(ExitReport(HardwareKeyError.uri(reason: "r")).status == .invalid)
        #expect(ExitReport(HardwareKeyError.pinWrong(token: "t")).status == .failure)
    }
}
