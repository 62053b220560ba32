import AuditTrail
import Cryptography
import Fleet
import WireFormat

@testable import SimulatedWorld

/// A way to falsify a log, by somebody who has not the controller's key.
enum LogMutation: String, CaseIterable {
    case bit, byteRemoved, byteAdded, lineRemoved, lineRepeated, linesSwapped, blockMoved, lineFromElsewhere
    case cutAnywhere, cutBehindCheckpoint, rowsAppended, checkpointsRemoved, foreignKey
    case rowEdited, rowEditedAndHashed, historyRewritten, rowRemovedAndRenumbered, rowInsertedAndRenumbered
    case rowsReorderedAndRenumbered, headReplacedByCheckpoint, olderHead, hashReplaced, timeMoved
    case prefixRemoved, prefixRemovedByCheckpoint, prefixRemovedByForeignKey, beginningRemoved, beginningReplaced

    /// The falsified lines.
    ///
    /// - Parameters:
    ///   - other: another log of the same controller's key.
    ///   - stranger: a key that is not the controller's.
    func apply(
        to log: SampleLog, other: SampleLog, stranger: SigningKey, chance: inout SeededChance
    ) throws -> [[UInt8]] {
        switch self {
        case .bit, .byteRemoved, .byteAdded, .cutAnywhere: alterBytes(log.lines, &chance)
        case .lineRemoved, .lineRepeated, .linesSwapped, .blockMoved, .lineFromElsewhere, .cutBehindCheckpoint,
            .rowsAppended:
            moveLines(log, other, &chance)
        case .rowEdited, .rowEditedAndHashed, .historyRewritten, .hashReplaced, .timeMoved: editRow(log, &chance)
        case .rowRemovedAndRenumbered, .rowInsertedAndRenumbered, .rowsReorderedAndRenumbered:
            rewriteRows(log, &chance)
        case .prefixRemoved, .prefixRemovedByCheckpoint, .prefixRemovedByForeignKey, .beginningRemoved,
            .beginningReplaced:
            try claimRetention(log, other, stranger, &chance)
        case .checkpointsRemoved, .foreignKey, .headReplacedByCheckpoint, .olderHead:
            try changeSeals(log, other, stranger, &chance)
        }
    }

    private func alterBytes(_ lines: [[UInt8]], _ chance: inout SeededChance) -> [[UInt8]] {
        var text = Array(lines.joined(separator: [0x0A]))
        let place = chance.below(text.count)
        switch self {
        case .bit: text[place] ^= 1 << chance.below(8)
        case .byteRemoved: text.remove(at: place)
        case .byteAdded: text.insert(UInt8(chance.below(256)), at: place)
        default: text.removeSubrange(place...)
        }
        return text.split(separator: 0x0A, omittingEmptySubsequences: false).map { [UInt8]($0) }
    }

    private func moveLines(_ log: SampleLog, _ other: SampleLog, _ chance: inout SeededChance) -> [[UInt8]] {
        var lines = log.lines
        let place = chance.below(lines.count)
        switch self {
        case .lineRemoved: lines.remove(at: place)
        case .lineRepeated: lines.insert(lines[place], at: chance.below(lines.count + 1))
        case .linesSwapped: lines.swapAt(place, chance.below(lines.count))
        case .blockMoved:
            let block = lines[place..<min(place + 1 + chance.below(5), lines.count)]
            lines.removeSubrange(block.indices)
            lines.insert(contentsOf: block, at: chance.below(lines.count + 1))
        case .lineFromElsewhere: lines[place] = other.lines[chance.below(other.lines.count)]
        case .rowsAppended: lines += other.lines.suffix(1 + chance.below(3))
        default:
            let marks = log.checkpoints.keys.sorted().dropLast()
            let last = marks[chance.below(marks.count)]
            let text = log.checkpoints[last].map { AuditExport.line(checkpoint: $0) }
            lines = Array(lines.prefix { $0 != text }) + [text ?? []]
        }
        return lines
    }

    private func editRow(_ log: SampleLog, _ chance: inout SeededChance) -> [[UInt8]] {
        var log = log
        let place = chance.below(log.events.count)
        switch self {
        case .hashReplaced: log.events[place].hash = SHA256().digest(of: [UInt8(chance.below(256))])
        case .timeMoved:
            log.events[place].at = log.events[place].at.adding(seconds: Double(chance.below(99) + 1))
        default: Self.edit(&log.events[place], &chance)
        }
        if self == .rowEditedAndHashed, place > 0 || log.events.count > 1 {
            let rest = log.events[(place + 1)...]
            log.rehash(from: place)
            log.events.replaceSubrange((place + 1)..., with: rest)
        }
        if self == .historyRewritten { log.rehash(from: place) }
        return log.lines
    }

    private static func edit(_ event: inout AuditEvent, _ chance: inout SeededChance) {
        switch chance.below(5) {
        case 0: event.actor += "x"
        case 1: event.action = "policy.remove"
        case 2: event.subject = "rollout/other"
        case 3: event.detail["reason"] = "because"
        default: event.detail["more"] = ""
        }
    }

    private func rewriteRows(_ log: SampleLog, _ chance: inout SeededChance) -> [[UInt8]] {
        var log = log
        let place = chance.below(log.events.count - 1)
        switch self {
        case .rowRemovedAndRenumbered: log.events.remove(at: place)
        case .rowInsertedAndRenumbered:
            var forged = log.events[place]
            Self.edit(&forged, &chance)
            log.events.insert(forged, at: place)
        default: log.events.swapAt(place, place + 1)
        }
        for index in log.events.indices { log.events[index].number = log.removed.rows + UInt64(index + 1) }
        log.rehash(from: place)
        return log.lines
    }

    /// Removes rows at the beginning, and says that it was retention.
    private func claimRetention(
        _ log: SampleLog, _ other: SampleLog, _ stranger: SigningKey, _ chance: inout SeededChance
    ) throws -> [[UInt8]] {
        var log = log
        let marks = log.checkpoints.keys.filter { $0 > log.removed.rows }.sorted()
        let mark = marks[chance.below(marks.count)]
        let signed = log.checkpoints[mark] ?? ""
        switch self {
        case .prefixRemoved: log.events.removeFirst(1 + chance.below(log.events.count - 1))
        case .prefixRemovedByCheckpoint:
            log.events.removeAll { $0.number <= mark }
            log.beginning = signed
        case .prefixRemovedByForeignKey: log = try log.begun(behind: mark, key: stranger)
        case .beginningRemoved:
            guard log.beginning != nil else { return log.lines }
            log.beginning = nil
            if chance.below(2) == 0 { log.checkpoints = log.checkpoints.filter { $0.key > log.removed.rows } }
        default:
            // One that the controller signed once: for another log, or for an earlier beginning of this one.
            guard log.beginning != nil else { return log.lines }
            log.beginning = other.beginning
        }
        return log.lines
    }

    private func changeSeals(
        _ log: SampleLog, _ other: SampleLog, _ stranger: SigningKey, _ chance: inout SeededChance
    ) throws -> [[UInt8]] {
        var log = log
        switch self {
        case .checkpointsRemoved:
            for number in log.checkpoints.keys.shuffled(using: &chance).prefix(1 + chance.below(3)) {
                log.checkpoints[number] = nil
            }
        case .foreignKey:
            Self.edit(&log.events[chance.below(log.events.count)], &chance)
            try log.reseal(key: stranger)
        case .olderHead: log.head = other.head
        default:
            let last = log.checkpoints.keys.sorted()[chance.below(log.checkpoints.count)]
            log.head = log.checkpoints[last] ?? ""
            log.events.removeAll { $0.number > last }
            log.checkpoints = log.checkpoints.filter { $0.key <= last }
        }
        return log.lines
    }
}
