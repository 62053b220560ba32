import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust

/// The publishers' own file of key sets: every signed set in order, one JSON text a line.
///
/// It holds no secret. It is the publishers' memory: what the controller has of it is a copy.
struct KeySetFile {
    /// The largest file that is read, bytes.
    static let limitBytes = 16 << 20

    let path: String
    /// The signed sets, from number 1.
    private(set) var envelopes: [String]
    /// What a device trusts that has followed all of them.
    private(set) var trust: PublisherTrust<PublicKey>

    /// Reads a file and follows it from its first set on.
    init(reading path: String) throws {
        let text = try LocalFile.text(path, limitBytes: Self.limitBytes)
        try self.init(path: path, envelopes: text.split(separator: "\n").map(String.init))
    }

    /// Follows key sets from the first on, wherever they are from.
    init(path: String, envelopes: [String]) throws {
        guard let first = envelopes.first else { throw CommandFailure.invalid("\(path) holds no key set") }
        var number = 0
        do {
            var trust = try PublisherTrust<PublicKey>(beginning: Array(first.utf8))
            for envelope in envelopes {
                number += 1
                try trust.follow(Array(envelope.utf8))
            }
            self.trust = trust
        } catch {
            throw CommandFailure.invalid("\(path), key set \(max(1, number)): \(error)")
        }
        self.path = path
        self.envelopes = envelopes
    }

    /// A file that there is not yet, whose first set this recovery key will sign.
    init(new path: String, recoveryKey: Digest) {
        self.path = path
        envelopes = []
        trust = PublisherTrust(keys: [], recoveryKey: recoveryKey, number: 0)
    }

    /// The file at a path, or a new one where there is none.
    init(_ path: String, recoveryKey: Digest) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            self.init(new: path, recoveryKey: recoveryKey)
            return
        }
        try self.init(reading: path)
    }

    /// Signs the next set and writes the file anew.
    mutating func append(_ set: PublisherKeySet<PublicKey>, signedBy signers: [PublisherSigner]) throws {
        let text = try SignedKeySet.sign(set, with: signers.map { ($0.publicKey, $0) })
        do {
            try trust.follow(text)
        } catch {
            throw CommandFailure.invalid("the key set would be refused by devices: \(error)")
        }
        envelopes.append(String(decoding: text, as: UTF8.self))
        try write()
    }

    /// Writes the file anew, whole or not at all.
    func write() throws {
        do {
            try Data((envelopes.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure.failed("cannot write \(path): \(SmallFile.reason(error)); choose another place")
        }
    }
}
