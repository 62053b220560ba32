import ArgumentParser
import AuditTrail
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import Terminal
import WireFormat

/// `edgectl audit export`.
struct AuditExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the whole audit log, one JSON object a line, with its signatures.",
        discussion: "The first line is the signed head; `edgectl audit verify FILE` checks the file without a network.")

    @OptionGroup var server: ServerOptions

    func run() throws {
        try AuditSource.live(try server.connect()) { line in
            Console.output.write(String(decoding: line, as: UTF8.self) + "\n")
        }
    }
}

/// `edgectl audit verify`.
struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks every row, hash and signature of an export or of the controller.",
        discussion: """
            Finds any row that was changed, added, left out or moved, up to the signed head, and names the first one;
            exits 1. Where retention removed the oldest rows, the beginning must be signed too. Whoever holds the
            controller's assignment key can write another history: give --head FILE to keep what was verified (the
            log may only grow from there), and keep that file elsewhere.
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "An export; without one the controller is asked.") var file: String?
    @Option(
        name: .customLong("key"),
        help: "PEM file of a key that may have signed: the controller's assignment key. May be repeated.")
    var keys: [String] = []
    @Option(help: "Keeps the verified head in this file, and holds the log to the one that is in it.")
    var head: String?

    func run() throws {
        let trusted = try keys.map { try KeyFile.publicKey($0) } + pinned()
        let remembered = try remembered(trusted)
        var verifier = AuditVerifier(keys: trusted, remembered: remembered) { SHA256().digest(of: $0) }
        do {
            if let file {
                try AuditSource.file(file) { try verifier.take($0) }
            } else {
                verifier = try Self.live(try server.connect(), verifier)
            }
            let summary = try verifier.finish()
            if let head { try PrivateFile.write(Array((summary.headText + "\n").utf8), to: head, overwriting: true) }
            Console.output.print(
                "\(summary.rows) rows and \(summary.checkpoints) checkpoints are as they were written; head "
                    + "\(summary.head.hash.short) of "
                    + "\(Timestamp(milliseconds: summary.head.issuedAt * 1000))"
                    + (remembered.map { ", which continues row \($0.number)" } ?? ""))
            if let beginning = summary.beginning { Console.output.print(Self.sentence(beginning)) }
        } catch let fault as AuditFault {
            guard fault.code == .rememberedRestored else {
                throw CommandFailure.failed("the audit log was changed: \(fault)")
            }
            throw CommandFailure.failed(
                "\(fault); if it was you who restored the controller, keep \(head ?? "the file of --head") under "
                    + "another name as the proof of what was lost, and verify again to begin anew")
        }
    }

    /// Reads the log of a controller; once more where retention moved its beginning meanwhile.
    private static func live(
        _ controller: Orchestrator, _ verifier: AuditVerifier<PublicKey>
    ) throws -> AuditVerifier<PublicKey> {
        let before = try controller.auditBeginning()
        do {
            var one = verifier
            try AuditSource.live(controller) { try one.take($0) }
            return one
        } catch is AuditFault where (try? controller.auditBeginning()) != before {
            var another = verifier
            try AuditSource.live(controller) { try another.take($0) }
            return another
        }
    }

    /// Where the log begins, in words.
    private static func sentence(_ beginning: AuditSeal) -> String {
        "the log begins behind row \(beginning.number): retention removed the rows up to that checkpoint at "
            + "\(Timestamp(milliseconds: beginning.issuedAt * 1000)), and the controller signed that"
    }

    /// The key that the profile pins, where none is given; a key that the controller tells would prove nothing.
    private func pinned() throws -> [PublicKey] {
        guard keys.isEmpty else { return [] }
        // An export needs no controller: that none is named is not what is missing then.
        let profile = file == nil ? try server.resolved() : try? server.resolved()
        if let path = profile?.assignmentKeyFile { return [try KeyFile.publicKey(path)] }
        throw CommandFailure.invalid(
            "no key is given: give --key FILE with the controller's assignment key, or pin it with `edgectl profile "
                + "set NAME --assignment-key-file FILE` (`edgectl key list -o json` shows it; compare its fingerprint "
                + "with the one on the controller)")
    }

    private func remembered(_ keys: [PublicKey]) throws -> AuditSeal? {
        guard let head, FileManager.default.fileExists(atPath: head) else { return nil }
        let text = try LocalFile.text(head, limitBytes: 16 << 10).split(whereSeparator: \.isWhitespace).joined()
        do throws(AuditFault.Code) {
            return try AuditSeal(verifying: text, as: .head, keys: keys)
        } catch {
            throw CommandFailure.invalid(
                "\(head) holds no head that the given key signed (\(error.rawValue)); restore it, or choose another "
                    + "file to begin anew")
        }
    }
}

/// Where the lines of an audit log come from.
enum AuditSource {
    /// The controller: its signed head first, then rows and checkpoints up to it.
    static func live(_ controller: Orchestrator, _ take: ([UInt8]) throws -> Void) throws {
        let head = try controller.auditHead()
        try take(AuditExport.line(head: head.seal))
        var checkpoints = try controller.auditCheckpoints(after: 0)[...]
        var number: UInt64 = 0
        if let beginning = try controller.auditBeginning() {
            try take(AuditExport.line(beginning: beginning.seal))
            number = beginning.number
            while let mark = checkpoints.first, mark.number <= number {
                try take(AuditExport.line(checkpoint: mark.seal))
                checkpoints.removeFirst()
                if checkpoints.isEmpty { checkpoints = try controller.auditCheckpoints(after: mark.number)[...] }
            }
        }
        while number < head.number {
            let rows = try controller.auditRows(after: number)
            for row in rows where row.number <= head.number {
                try take(AuditExport.line(row, hash: row.hash ?? .zero))
                while let mark = checkpoints.first, mark.number <= row.number {
                    // A checkpoint made after the head was asked for does not belong to it.
                    guard mark.number < head.number || mark.at <= head.at else { return }
                    try take(AuditExport.line(checkpoint: mark.seal))
                    checkpoints.removeFirst()
                    if checkpoints.isEmpty { checkpoints = try controller.auditCheckpoints(after: mark.number)[...] }
                }
            }
            guard let last = rows.last, last.number > number else { return }
            number = last.number
        }
    }

    /// An export; its last line must end.
    static func file(_ path: String, _ take: ([UInt8]) throws -> Void) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        } catch {
            throw CommandFailure.invalid("cannot read \(path): \(SmallFile.reason(error)); check the path")
        }
        var lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines { try take([UInt8](line)) }
    }
}
