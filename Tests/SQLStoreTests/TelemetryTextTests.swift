import Fleet
import Foundation
import Orchestration
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// The one record that is not written by an encoder.
@Suite struct TelemetryTextTests {
    private static let names = [
        "person", "car", "ünïcödé 犬", "a \"quoted\" \\ name/with a slash", "tab\tnew\nline\u{1}\u{1F}\u{7F}", "",
    ]

    @Test("its text is the encoder's, byte by byte, whatever was counted", arguments: 1...300)
    func encoder(seed: UInt64) throws {
        var chance = SeededChance(seed: seed)
        // An encoder leaves the order of series to chance: one says nothing about it.
        let record = try Self.record(series: 1, &chance)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(try #require(record.text) == String(decoding: try encoder.encode(record), as: UTF8.self))
    }

    @Test("the record is read again as it was", arguments: 1...300)
    func again(seed: UInt64) throws {
        var chance = SeededChance(seed: seed)
        let record = try Self.record(series: Int.random(in: 0...5, using: &chance), &chance)
        let text = try #require(record.text)
        #expect(try JSONDecoder().decode(StoredTelemetry.self, from: Data(text.utf8)) == record)
    }

    @Test("a number that JSON cannot spell is not written")
    func unspellable() throws {
        var record = StoredTelemetry(device: try DeviceID("d1"))
        var totals = RuntimeTotals()
        totals.means["confidence"] = MeanTotals(count: 1, above: .infinity)
        record.lifetime = [VersionTotals(digest: .zero, totals: totals)]
        #expect(record.text == nil)
        #expect(throws: EncodingError.self) { try StoreChange.telemetry(record).statements }
    }

    // MARK: - Records

    private static func record(series: Int, _ chance: inout SeededChance) throws -> StoredTelemetry {
        var record = StoredTelemetry(device: try DeviceID("device-\(Int.random(in: 0...99, using: &chance))"))
        record.boot = .random(in: .min ... .max, using: &chance)
        record.sequence = .random(in: 0 ... .max, using: &chance)
        if Bool.random(using: &chance) { record.lastHeartbeatAt = moment(&chance) }
        for number in 0..<series {
            let series = RuntimeSeries(
                model: try ModelName("model-\(number)"), digest: digest(&chance),
                start: .random(in: 0...2_000_000_000_000, using: &chance))
            _ = record.ledger.absorb(series, reported: totals(&chance))
            _ = record.ledger.absorb(series, gaps: .random(in: 0...2, using: &chance))
            record.crashes[series.model] = .random(in: 0...3, using: &chance)
            record.failedStarts[series.model] = .random(in: 0...3, using: &chance)
            record.lifetime.append(VersionTotals(digest: digest(&chance), totals: totals(&chance), gaps: 1))
            var history = VersionHistory(digest: digest(&chance), at: moment(&chance))
            history.measured.add(NamedMeasurements(totals(&chance)))
            record.history.append(history)
        }
        return record
    }

    private static func totals(_ chance: inout SeededChance) -> RuntimeTotals {
        var totals = RuntimeTotals(
            requests: .random(in: 0 ... .max, using: &chance),
            latencyBuckets: (0..<Int.random(in: 0...12, using: &chance)).map { _ in
                .random(in: 0...1000, using: &chance)
            },
            latencySumMicroseconds: .random(in: 0 ... .max, using: &chance))
        totals.answers = .random(in: 0...2, using: &chance)
        for name in names where Bool.random(using: &chance) {
            totals.failures[name] = .random(in: 0...5, using: &chance)
            totals.classes[name] = .random(in: 0...5, using: &chance)
            totals.shares[name] = ShareTotals(of: .random(in: 5...9, using: &chance), counted: 4)
            let above = Double.random(in: 0...1, using: &chance)
            totals.means[name] = MeanTotals(
                count: .random(in: 0...9, using: &chance),
                above: [0, 3, above, above * 1e20, above * 1e-9].randomElement(using: &chance) ?? 0,
                below: [0, above].randomElement(using: &chance) ?? 0)
        }
        return totals
    }

    private static func digest(_ chance: inout SeededChance) -> Digest {
        Digest(bytes: chance.bytes(32)) ?? .zero
    }

    private static func moment(_ chance: inout SeededChance) -> Timestamp {
        Timestamp(milliseconds: .random(in: 0...4_000_000_000_000, using: &chance))
    }
}
