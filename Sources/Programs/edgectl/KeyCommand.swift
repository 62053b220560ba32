import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import HardwareKeys
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
            KeyGenerate.self, KeyPublic.self, KeyRegister.self, KeyList.self, KeyRotate.self, KeyRevoke.self,
            KeyPublish.self,
            KeyExport.self,
        ])
}

/// `edgectl key generate`.
struct KeyGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Makes a key: OUT is secret, OUT.pub is for everyone.",
        discussion: """
            ECDSA on P-256; OUT is PKCS #8 PEM without a passphrase, readable by its owner only. With a PKCS #11 URI
            (pkcs11:token=T;object=NAME) the key is made in that token and never leaves it; --pub names the public file.
            """)

    @Argument(help: "The file of the private key, never overwritten, or a PKCS #11 URI.") var out: String
    @Option(help: "The file of the public key; OUT.pub by default.") var pub: String?

    func validate() throws {
        guard !KeyURI.isMeant(by: out) || pub != nil else {
            throw ValidationError("Give --pub FILE for the public half of a key in a token.")
        }
    }

    func run() throws {
        let publicFile = pub ?? out + ".pub"
        let isInToken = KeyURI.isMeant(by: out)
        for path in (isInToken ? [] : [out]) + [publicFile] where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure.invalid("\(path) exists already; keys are never overwritten, choose another name")
        }
        let key: PublicKey
        if isInToken {
            let uri = try KeyURI(out)
            key = try HardwareKey.generate(uri, pin: try TokenPIN.read(for: uri))
        } else {
            let made = try SigningKey.generate()
            try write(try made.pem(), to: out)
            key = made.publicKey
        }
        try write(key.pem, to: publicFile)
        Console.output.print(
            isInToken
                ? "private key   in the token, which it never leaves"
                : "private key   \(out) (keep it secret, off the controller)")
        Console.output.print("public key    \(publicFile)")
        Console.output.print("fingerprint   \(key.fingerprint)")
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try PrivateFile.write(Array(text.utf8), to: path, overwriting: false)
        } catch {
            throw CommandFailure.failed("cannot write \(path): \(SmallFile.reason(error)); choose another place")
        }
    }
}

/// `edgectl key public`.
struct KeyPublic: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "public", abstract: "Prints the public half of a private key, in a file or in a token, as PEM.")

    @Argument(help: "The private key's file, or its PKCS #11 URI.") var key: String

    func run() throws { Console.output.write(try KeyFile.signer(key).publicKey.pem) }
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

/// The PIN of a token: from the file that the key's URI names, or from EDGECTL_PIN; never from the command line.
enum TokenPIN {
    /// The PIN; nil where none is given.
    static func read(for uri: KeyURI) throws -> String? {
        guard let path = uri.pinFile else {
            return Console.environment["EDGECTL_PIN"].flatMap { $0.isEmpty ? nil : $0 }
        }
        let text = try LocalFile.text(path, limitBytes: 4096)
        let pin = text.prefix { !$0.isNewline }
        guard !pin.isEmpty else { throw CommandFailure.invalid("\(path) holds no PIN in its first line") }
        return String(pin)
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

    /// Opens a private key: in a file, or in a token where the text is a PKCS #11 URI.
    static func signer(_ path: String) throws -> PublisherSigner {
        if KeyURI.isMeant(by: path) {
            let uri = try KeyURI(path)
            return try HardwareKey(uri, pin: try TokenPIN.read(for: uri)).signer
        }
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
