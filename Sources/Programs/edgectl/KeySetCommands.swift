import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import Terminal
import WireFormat

/// What `key rotate` and `key revoke` have in common: both sign the next key set, on a machine that may be offline.
struct KeySetSigning: ParsableArguments {
    @Argument(help: "The publishers' file of key sets; it gets one line more.") var file: String
    @Option(help: "The recovery's private key: a file or a PKCS #11 URI.") var recoveryKey: String
    @Option(name: .customLong("add"), help: "File of a public key that signs versions from now on; may be repeated.")
    var added: [String] = []

    /// Signs the set that follows, changed by `change`.
    func sign(
        successor: String? = nil, _ change: (inout PublisherKeySet<PublicKey>) throws -> Void
    ) throws {
        let recovery = try KeyFile.signer(recoveryKey)
        var chain = try KeySetFile(file, recoveryKey: recovery.fingerprint)
        guard chain.trust.recoveryKey == recovery.fingerprint else {
            throw CommandFailure.invalid(
                "\(recoveryKey) is not the recovery key that signs the next set of \(file): that is "
                    + "\(chain.trust.recoveryKey?.hex ?? "none")")
        }
        let next = try successor.map { try KeyFile.signer($0) }
        var set = PublisherKeySet(
            number: chain.trust.number + 1, issuedAt: Console.now.milliseconds / 1000, keys: chain.trust.keys,
            recoveryKey: next?.publicKey ?? recovery.publicKey, revoked: chain.trust.revoked)
        for path in added {
            let key = try KeyFile.publicKey(path)
            if !set.keys.contains(key) { set.keys.append(key) }
        }
        try change(&set)
        guard !set.keys.isEmpty else {
            throw CommandFailure.invalid("no key would be left that signs versions; give a new one with --add FILE.pub")
        }
        try chain.append(set, signedBy: [recovery] + (next.map { [$0] } ?? []))
        for line in try KeyTable(chain.trust).lines { Console.output.print(line) }
        Console.note("`edgectl key publish \(file)` hands it to the controller, which relays it to devices")
    }
}

/// `edgectl key rotate`.
struct KeyRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Signs the next key set with new keys; nothing is sent.",
        discussion: """
            The first use makes the file. Keys of the set before stay trusted until `edgectl key revoke`: versions that
            they signed are still what devices fall back to.
            """)

    @OptionGroup var signing: KeySetSigning
    @Option(
        help: "The private key that signs key sets from now on; it must sign this one too: a file or a PKCS #11 URI.")
    var newRecoveryKey: String?

    func validate() throws {
        guard !signing.added.isEmpty || newRecoveryKey != nil else {
            throw ValidationError("Give --add FILE.pub, or --new-recovery-key.")
        }
    }

    func run() throws { try signing.sign(successor: newRecoveryKey) { _ in } }
}

/// `edgectl key revoke`.
struct KeyRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Signs the next key set without a key, for good; nothing is sent.",
        discussion: """
            Devices refuse the key's signatures as soon as they follow the set. What they serve goes on serving until it
            is replaced, but nothing that the key signed is activated any more: sign versions that are still needed
            again with another key (`edgectl model push`) before.
            """)

    @OptionGroup var signing: KeySetSigning
    @Option(help: "The key to revoke: its public file or its fingerprint; may be repeated.") var key: [String]

    func run() throws {
        try signing.sign { set in
            for text in key {
                let known = set.keys.filter { text.count >= 8 && $0.fingerprint.hex.hasPrefix(text) }
                guard let revoked = try known.count == 1 ? known[0] : set.key(at: text) else {
                    throw CommandFailure.invalid(
                        "\(text) is neither a public key's file nor the fingerprint of one key of the newest set")
                }
                set.keys.removeAll { $0 == revoked }
                if !set.revoked.contains(revoked) { set.revoked.append(revoked) }
            }
        }
    }
}

extension PublisherKeySet where Key == PublicKey {
    /// The key in a file; nil where there is no such file.
    ///
    /// A key that devices pinned need not be in the set before.
    fileprivate func key(at path: String) throws -> PublicKey? {
        FileManager.default.fileExists(atPath: path) ? try KeyFile.publicKey(path) : nil
    }
}

/// `edgectl key publish`.
struct KeyPublish: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Hands the file's key sets to the controller, which relays them to devices.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The publishers' file of key sets.") var file: String

    func run() throws {
        let chain = try KeySetFile(reading: file)
        let controller = try server.connect()
        let known = try controller.keySets().map(\.envelope)
        guard chain.envelopes.starts(with: known) else {
            throw CommandFailure.invalid(
                "the controller has \(known.count) key set(s) that are not those of \(file); compare with "
                    + "`edgectl key export OTHER-FILE` before you sign anything")
        }
        for envelope in chain.envelopes.dropFirst(known.count) {
            let set = try controller.publishKeySet(envelope: envelope)
            Console.output.print(
                "key set \(set.number): \(set.keys.count) key(s) count, \(set.revoked.count) revoked")
        }
        if known.count == chain.envelopes.count { Console.output.print("nothing new: key set \(known.count) is there") }
    }
}

/// `edgectl key export`.
struct KeyExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the controller's key sets to a file, after following them all.",
        discussion: "Compare the recovery key's fingerprint: a controller could tell another chain.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The file; an existing one must hold the beginning of the same sets.") var file: String

    func run() throws {
        let told = try server.connect().keySets().map(\.envelope)
        guard !told.isEmpty else { throw CommandFailure.failed("the controller has no key set") }
        let chain = try KeySetFile(path: file, envelopes: told)
        if FileManager.default.fileExists(atPath: file) {
            guard told.starts(with: try KeySetFile(reading: file).envelopes) else {
                throw CommandFailure.invalid(
                    "\(file) holds other key sets than the controller, or more; it is left as it is")
            }
        }
        try chain.write()
        for line in try KeyTable(chain.trust).lines { Console.output.print(line) }
    }
}
