import AuditTrail
import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing
import WireFormat

@testable import SimulatedWorld

/// What verification finds in a log, and where.
@Suite struct AuditVerifierTests {
    private let key: SigningKey
    private let log: SampleLog

    init() throws {
        key = try SigningKey.generate()
        var chance = SeededChance(seed: 7)
        log = try SampleLog(rows: 35, key: key, chance: &chance)
    }

    private func verify(
        _ lines: [[UInt8]], remembered: AuditSeal? = nil, keys: [SigningKey]? = nil
    ) throws(AuditFault) -> AuditVerifier<PublicKey>.Summary {
        var verifier = AuditVerifier(keys: (keys ?? [key]).map(\.publicKey), remembered: remembered) {
            SHA256().digest(of: $0)
        }
        for line in lines { try verifier.take(line) }
        return try verifier.finish()
    }

    private func fault(_ lines: [[UInt8]], remembered: AuditSeal? = nil) -> AuditFault? {
        do throws(AuditFault) {
            _ = try verify(lines, remembered: remembered)
            return nil
        } catch {
            return error
        }
    }

    @Test("a log as it was written passes, and says how long it is")
    func whole() throws {
        let summary = try verify(log.lines)
        #expect(summary.rows == 35)
        #expect(summary.checkpoints == 3)
        #expect(summary.head.hash == log.events.last?.hash)
    }

    @Test("an empty log passes, and a log without a head does not")
    func empty() throws {
        let seal = AuditSeal(number: 0, hash: .zero, previous: .zero, issuedAt: 1)
        let head = try CompactJWS.sign(seal.serialized(), type: AuditSeal.Kind.head.tokenType, with: key)
        #expect(try verify([AuditExport.line(head: head)]).rows == 0)
        #expect(fault([])?.code == .headMissing)
    }

    @Test("the first row that was touched is named")
    func places() {
        var changed = log
        changed.events[16].actor = "eve"
        #expect(fault(changed.lines) == AuditFault(code: .hashMismatch, line: 19, entry: 17))
        var lines = log.lines
        lines.remove(at: 5)
        #expect(fault(lines) == AuditFault(code: .numberGap, line: 6, entry: 5))
        changed.rehash(from: 16)
        // Rows after a checkpoint can be rewritten by anybody up to the next one, which then contradicts them.
        #expect(fault(changed.lines) == AuditFault(code: .checkpointMismatch, line: 23, entry: 11))
        #expect(fault(Array(log.lines.dropLast(2))) == AuditFault(code: .truncated, line: 37, entry: 34))
    }

    @Test("a log that was restored from an earlier backup says so, and how much is lost; other differences do not")
    func restored() throws {
        let head = try verify(log.lines).head
        var cut = log
        cut.events.removeLast(15)
        func restored(at time: Timestamp) throws -> SampleLog {
            var again = cut
            for number in 21...UInt64(45) {
                var event = again.events[0]
                event.number = number
                event.at = time
                if number == 21 {
                    event.action = AuditEvent.restoreAction
                    event.detail = ["rows": "20"]
                }
                again.events.append(event)
            }
            again.rehash(from: 20)
            try again.reseal(key: key)
            return again
        }
        let later = try restored(at: Timestamp(milliseconds: head.issuedAt * 1000))
        #expect(fault(later.lines) == nil)
        let found = try #require(fault(later.lines, remembered: head))
        #expect(found.code == .rememberedRestored && found.entry == 21 && found.remembered == 35)
        #expect(found.description.contains("had 35 rows") && found.description.contains("row 21"))
        let earlier = try restored(at: Timestamp(milliseconds: head.issuedAt * 1000 - 1000))
        #expect(
            fault(earlier.lines, remembered: head)?.code == .rememberedMismatch, "a restore before does not explain it")
        #expect(try verify(later.lines, remembered: try verify(later.lines).head).rows == 45)
    }

    @Test("a log that is shorter than, or differs from, the remembered head is refused, even where its key signed it")
    func remembered() throws {
        let head = try verify(log.lines).head
        var shorter = log
        shorter.events.removeLast(3)
        try shorter.reseal(key: key)
        #expect(fault(shorter.lines) == nil)
        #expect(fault(shorter.lines, remembered: head)?.code == .rememberedMismatch)
        var rewritten = log
        rewritten.events[3].actor = "eve"
        try rewritten.reseal(key: key)
        #expect(fault(rewritten.lines) == nil)
        #expect(fault(rewritten.lines, remembered: head)?.code == .rememberedMismatch)
        var grown = log
        grown.events.append(
            AuditEvent(number: 36, at: log.events[0].at, actor: "ada", action: "a", subject: "s"))
        try grown.reseal(key: key)
        #expect(try verify(grown.lines, remembered: head).rows == 36)
    }

    @Test("a log that retention has shortened passes, says where it begins, and its fault names a row")
    func begun() throws {
        let rest = try log.begun(behind: 20, key: key)
        let summary = try verify(rest.lines)
        #expect(summary.rows == 15)
        #expect(summary.checkpoints == 3)
        #expect(summary.beginning?.number == 20)
        #expect(try verify(log.lines).beginning == nil)
        var changed = rest
        changed.events[3].actor = "eve"
        #expect(fault(changed.lines) == AuditFault(code: .hashMismatch, line: 8, entry: 24))
        // The rows before it are not there: with them it is no log that begins there.
        var both = log
        both.beginning = rest.beginning
        #expect(fault(both.lines)?.code == .numberGap)
        var unsaid = rest
        unsaid.beginning = nil
        #expect(fault(unsaid.lines)?.code == .checkpointMisplaced)
        unsaid.checkpoints = unsaid.checkpoints.filter { $0.key > 20 }
        #expect(fault(unsaid.lines)?.code == .numberGap)
        // Retention that has removed everything but the newest checkpoint's rows leaves a log too.
        #expect(try verify(log.begun(behind: 30, key: key).lines).rows == 5)
    }

    @Test(
        "a remembered head is held against the checkpoints of rows that retention removed",
        arguments: [5, 10, 15, 20, 25])
    func rememberedBeforeTheBeginning(number: Int) throws {
        var earlier = log
        earlier.events.removeLast(log.events.count - number)
        try earlier.reseal(key: key)
        let head = try verify(earlier.lines).head
        #expect(head.number == UInt64(number))
        // Signatures are random: the checkpoints must be those of the log that the head was made of.
        var grown = earlier
        grown.events = log.events
        let kept = earlier.checkpoints
        try grown.reseal(keeping: kept, key: key)
        #expect(try verify(grown.lines, remembered: head).rows == 35)
        #expect(try verify(grown.begun(behind: 20, key: key).lines, remembered: head).rows == 15)
        // Whoever has the key writes another history, and says that retention removed what would show it.
        var rewritten = grown
        rewritten.events[2].actor = "eve"
        try rewritten.reseal(key: key)
        let claimed = try rewritten.begun(behind: 20, key: key)
        #expect(fault(claimed.lines) == nil)
        let found = fault(claimed.lines, remembered: head)
        // Before the first checkpoint nothing that is kept says what the rows were.
        #expect(found?.code == (number == 5 ? nil : .rememberedMismatch))
    }

    @Test("keys of before are given beside the newest: a rotated key leaves the log verifiable")
    func rotated() throws {
        let newer = try SigningKey.generate()
        var rotated = log
        let last = try #require(log.checkpoints[30])
        rotated.head = try SampleLog.sign(
            .head, log.events[34], SHA256().digest(of: Array(last.utf8)), newer)
        #expect(try verify(rotated.lines, keys: [newer, key]).rows == 35)
        #expect(throws: AuditFault.self) { try verify(rotated.lines, keys: [newer]) }
        #expect(throws: AuditFault.self) { try verify(rotated.lines, keys: [key]) }
    }

    @Test("random falsifications are all found, whatever the kind")
    func mutations() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["EDGEORCH_MUTATIONS"].flatMap { Int($0) } ?? 500
        let seed = environment["EDGEORCH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
        var chance = SeededChance(seed: seed)
        let other = try SampleLog(rows: 30, key: key, chance: &chance)
        let stranger = try SigningKey.generate()
        // One log that is whole, and one whose first twenty rows retention has removed.
        let logs = [log, try log.begun(behind: 20, key: key)]
        // What the controller signed elsewhere: for another log, and when this one began earlier.
        let others = [try other.begun(behind: 20, key: key), try log.begun(behind: 10, key: key)]
        for one in logs + others { _ = try verify(one.lines) }
        var found: [LogMutation: [AuditFault.Code: Int]] = [:]
        var done = 0
        while done < count {
            let kind = LogMutation.allCases[done % LogMutation.allCases.count]
            let one = logs[chance.below(2)]
            let lines = try kind.apply(
                to: one, other: others[chance.below(2)], stranger: stranger, chance: &chance)
            // Swapping a line with itself, or moving a block to where it was, changes nothing.
            guard lines != one.lines else { continue }
            done += 1
            let fault = fault(lines)
            #expect(fault != nil, "\(kind) number \(done) with seed \(seed) was not found")
            if let fault { found[kind, default: [:]][fault.code, default: 0] += 1 }
        }
        print("audit log: \(done) falsifications of \(LogMutation.allCases.count) kinds, seed \(seed)")
        for kind in LogMutation.allCases {
            let codes = (found[kind] ?? [:]).sorted { $0.key.rawValue < $1.key.rawValue }
            let total = codes.reduce(0) { $0 + $1.value }
            print(
                "| \(kind) | \(total) | " + codes.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
                    + " |")
        }
    }
}
