import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import Terminal
import WireFormat

/// `edgectl key`.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes publisher keys, and says which of them devices trust.",
        discussion: """
            Publishers have online keys, which sign versions, and one recovery key, which stays offline and signs key
            sets: which online keys count from now on, and which no more. Devices pin both when they enrol
            (`edgectl token create --key-set`) and follow key sets one by one; the controller only relays them.
            """,
        subcommands: [
            KeyGenerate.self, KeyRegister.self, KeyList.self, KeyRotate.self, KeyRevoke.self, KeyPublish.self,
            KeyExport.self,
        ])
}

/// `edgectl key generate`.
struct KeyGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Makes a publisher's key: OUT is secret, OUT.pub is for everyone.",
        discussion: "ECDSA on P-256; OUT is PKCS #8 PEM without a passphrase, readable by its owner only.")

    @Argument(help: "The file of the private key; an existing one is never overwritten.") var out: String

    func run() throws {
        let key = try SigningKey.generate()
        for path in [out, out + ".pub"] where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure.invalid("\(path) exists already; keys are never overwritten, choose another name")
        }
        try write(try key.pem(), to: out)
        try write(key.publicKey.pem, to: out + ".pub")
        Console.output.print("private key   \(out) (keep it secret, off the controller)")
        Console.output.print("public key    \(out).pub")
        Console.output.print("fingerprint   \(key.fingerprint)")
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try PrivateFile.write(Array(text.utf8), to: path, overwriting: false)
        } catch {
            throw CommandFailure.failed("cannot write \(path): \(LocalFile.reason(error)); choose another place")
        }
    }
}

/// `edgectl key register`.
struct KeyRegister: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Registers a publisher's public key with the controller.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The public key's file (PEM).") var pub: String

    func run() throws {
        let key = try KeyFile.publicKey(pub)
        _ = try server.connect().addPublisherKey(pem: key.pem)
        Console.output.print("publisher key \(key.fingerprint) is registered")
    }
}

/// Keys in files.
enum KeyFile {
    /// The largest key file that is read, bytes.
    static let limitBytes = 64 << 10

    /// Reads a public key.
    static func publicKey(_ path: String) throws -> PublicKey {
        let text = try LocalFile.text(path, limitBytes: limitBytes)
        guard !text.contains("PRIVATE KEY") else {
            throw CommandFailure.invalid("\(path) holds a private key; give the public one (usually \(path).pub)")
        }
        do {
            return try PublicKey(pem: text)
        } catch {
            throw CommandFailure.invalid("\(path) is not a public key on P-256 (PEM): \(error)")
        }
    }

    /// Opens a private key.
    static func signer(_ path: String) throws -> PublisherSigner {
        let text = try LocalFile.text(path, limitBytes: limitBytes)
        do {
            return PublisherSigner(try SigningKey(pem: text))
        } catch {
            throw CommandFailure.invalid(
                "\(path) is not a private key on P-256 (PEM, without a passphrase): \(error); "
                    + "`edgectl key generate` makes one")
        }
    }

    /// The fingerprint of a key the controller told, computed here: its own word for it is not taken.
    static func fingerprint(of key: PublisherKey) throws -> Digest {
        do {
            return try PublicKey(pem: key.pem).fingerprint
        } catch {
            throw CommandFailure.failed("the controller told a key that cannot be read: \(error)")
        }
    }
}
