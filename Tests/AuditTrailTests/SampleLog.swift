import AuditTrail
import Cryptography
import Fleet
import ModelTrust
import WireFormat

@testable import SimulatedWorld

/// A log as a controller writes it: rows, a checkpoint after every so many, and a head.
struct SampleLog {
    var events: [AuditEvent] = []
    /// The signed checkpoints by the number of the row they follow.
    var checkpoints: [UInt64: String] = [:]
    var head = ""
    /// Where the log begins, since retention removed what was before; nil for a log that is whole.
    var beginning: String?
    /// How many rows retention removed, and the hash of the last of them.
    private(set) var removed = (rows: UInt64(0), hash: Digest.zero)

    static let words = ["ada", "device:cam-7", "controller", "grüße", "line\nbreak", "\"quoted\"", ""]

    /// Writes a log of so many rows.
    init(rows: Int, every interval: Int = 10, key: SigningKey, chance: inout SeededChance) throws {
        for number in 1...rows {
            events.append(
                AuditEvent(
                    number: UInt64(number), at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(number) * 1234),
                    actor: Self.words[chance.below(Self.words.count)], action: "rollout.\(chance.below(9))",
                    subject: "rollout/digits-\(chance.below(100))", detail: ["reason": "r\(chance.below(1000))"]))
        }
        try reseal(every: interval, key: key)
    }

    /// Hashes and signs everything anew: what the holder of a key can do.
    mutating func reseal(every interval: Int = 10, key: SigningKey) throws {
        rehash(from: 0)
        checkpoints = checkpoints.filter { $0.key <= removed.rows }
        var previous = checkpoints[removed.rows].map { SHA256().digest(of: Array($0.utf8)) } ?? .zero
        for event in events where event.number.isMultiple(of: UInt64(interval)) {
            let text = try Self.sign(.checkpoint, event, previous, key)
            checkpoints[event.number] = text
            previous = SHA256().digest(of: Array(text.utf8))
        }
        if let last = events.last { head = try Self.sign(.head, last, previous, key) }
    }

    /// Signs everything anew but the checkpoints that are given.
    mutating func reseal(keeping kept: [UInt64: String], every interval: Int = 10, key: SigningKey) throws {
        rehash(from: 0)
        checkpoints = kept
        var previous = Digest.zero
        for event in events where event.number.isMultiple(of: UInt64(interval)) {
            let text = try kept[event.number] ?? Self.sign(.checkpoint, event, previous, key)
            checkpoints[event.number] = text
            previous = SHA256().digest(of: Array(text.utf8))
        }
        if let last = events.last { head = try Self.sign(.head, last, previous, key) }
    }

    /// Hashes the rows from an index on: what anybody can do.
    mutating func rehash(from index: Int) {
        var hash = index > 0 ? events[index - 1].hash ?? .zero : removed.hash
        for place in events.indices.dropFirst(index) {
            hash = AuditChain.hash(of: events[place], after: hash, digest: SHA256().digest)
            events[place].hash = hash
        }
    }

    /// Removes the rows up to a checkpoint, as retention does, and signs that.
    func begun(behind number: UInt64, key: SigningKey) throws -> SampleLog {
        var log = self
        guard let last = events.first(where: { $0.number == number }), let mark = checkpoints[number] else {
            return log
        }
        log.beginning = try Self.sign(.beginning, last, SHA256().digest(of: Array(mark.utf8)), key)
        log.events.removeAll { $0.number <= number }
        log.removed = (number, last.hash ?? .zero)
        return log
    }

    var lines: [[UInt8]] {
        var lines = [AuditExport.line(head: head)]
        if let beginning { lines.append(AuditExport.line(beginning: beginning)) }
        for (number, text) in checkpoints.sorted(by: { $0.key < $1.key }) where number <= removed.rows {
            lines.append(AuditExport.line(checkpoint: text))
        }
        for event in events {
            lines.append(AuditExport.line(event, hash: event.hash ?? .zero))
            if let text = checkpoints[event.number] { lines.append(AuditExport.line(checkpoint: text)) }
        }
        return lines
    }

    static func sign(
        _ kind: AuditSeal.Kind, _ last: AuditEvent, _ previous: Digest, _ key: SigningKey
    ) throws -> String {
        let seal = AuditSeal(number: last.number, hash: last.hash ?? .zero, previous: previous, issuedAt: 1_700_000_000)
        return try CompactJWS.sign(seal.serialized(), type: kind.tokenType, with: key)
    }
}
