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
        checkpoints = [:]
        var previous = Digest.zero
        for event in events where event.number.isMultiple(of: UInt64(interval)) {
            let text = try Self.sign(.checkpoint, event, previous, key)
            checkpoints[event.number] = text
            previous = SHA256().digest(of: Array(text.utf8))
        }
        if let last = events.last { head = try Self.sign(.head, last, previous, key) }
    }

    /// Hashes the rows from an index on: what anybody can do.
    mutating func rehash(from index: Int) {
        var hash = index > 0 ? events[index - 1].hash ?? .zero : .zero
        for place in events.indices.dropFirst(index) {
            hash = AuditChain.hash(of: events[place], after: hash, digest: SHA256().digest)
            events[place].hash = hash
        }
    }

    var lines: [[UInt8]] {
        var lines = [AuditExport.line(head: head)]
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
