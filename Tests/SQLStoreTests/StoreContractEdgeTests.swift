import CanaryAnalysis
import Fleet
import Foundation
import Orchestration
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// The edges of what every store promises: large and strange values, times, writers side by side.
@Suite struct StoreContractEdgeTests {
    private func device(_ name: String, labels: Labels = Labels()) throws -> StoredDevice {
        StoredDevice(
            id: try DeviceID(name), tokenHash: .zero, labels: labels, enrolledAt: TestTime.start, agentVersion: "1")
    }

    private func event(_ number: UInt64, _ subject: String = "x") -> AuditEvent {
        AuditEvent(number: number, at: TestTime.start, actor: "ada", action: "a", subject: subject, hash: .zero)
    }

    private func reply(_ key: String, _ body: String, at milliseconds: Int64 = 0) -> StoredReply {
        StoredReply(
            key: key, fingerprint: .zero, status: 200, body: body, at: Timestamp(milliseconds: milliseconds))
    }

    @Test("text comes back character for character", arguments: StoreKind.allCases)
    func unicode(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let texts = [
            "", "Straße \u{301}é", "日本語 🛰️ 👩‍👩‍👧", "\u{0}zero\u{0}", "'; DROP TABLE devices; --",
            ":name $1 ?1 \\ \" \u{2028}",
            String(repeating: "\u{1F600}", count: 1000), "\u{FEFF}\u{202E}", "\r\n\t",
        ]
        try place.store.commit(texts.enumerated().map { .audit(event(UInt64($0.offset + 1), $0.element)) })
        for (index, text) in texts.enumerated() { try place.store.commit([.reply(reply("key-\(index)", text))]) }
        try place.reopen()
        #expect(
            try place.store.audit(after: 0, limit: 99).map { Array($0.subject.utf8) } == texts.map { Array($0.utf8) })
        for (index, text) in texts.enumerated() {
            #expect(try place.store.reply(key: "key-\(index)").map { Array($0.body.utf8) } == Array(text.utf8))
        }
    }

    @Test("large values come back whole", arguments: StoreKind.allCases)
    func large(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let body = String(repeating: "0123456789abcdef", count: 1 << 19)
        try place.store.commit([.reply(reply("large", body))])
        try place.reopen()
        #expect(try place.store.reply(key: "large")?.body == body)
    }

    @Test("keys are ordered by their bytes, and many records come back", arguments: StoreKind.allCases)
    func ordered(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let names = ["Z", "a", "B", "b", "a-1", "a.1", "a_1", "0"] + (0..<10_050).map { "n\($0)" }
        try place.store.commit(try names.map { .device(try device($0)) })
        try place.reopen()
        let wanted = names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(try place.store.load().devices.map(\.id.rawValue) == wanted)
    }

    @Test(
        "times before 1970 and far away, and clocks that go back, are kept as they are", arguments: StoreKind.allCases)
    func clocks(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let day: Int64 = 86_400_000
        for milliseconds in [0, day, -day, 253_402_300_799_999] {
            let key = "at \(milliseconds)"
            try place.store.commit([.reply(reply(key, "x", at: milliseconds))])
            #expect(try place.store.reply(key: key)?.at.milliseconds == milliseconds)
        }
        #expect(try place.store.reply(key: "at 0") == nil, "older than a day for the last one")
        // A clock that jumped back forgets nothing that is newer than it.
        try place.store.commit([.reply(reply("back", "x", at: day))])
        #expect(try place.store.reply(key: "at 253402300799999") != nil)
        #expect(try place.store.reply(key: "back") != nil)
    }

    @Test("writers side by side: each commit whole, none lost, readers see no half", arguments: StoreKind.allCases)
    func writers(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let store = place.store
        let faults = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { writer in
            do {
                for round in 0..<10 {
                    if writer < 6 {
                        try store.commit([
                            .device(try device("w\(writer)-\(round)-left")),
                            .device(try device("w\(writer)-\(round)-right")),
                        ])
                    } else {
                        let names = Set(try store.load().devices.map(\.id.rawValue))
                        for name in names where name.hasSuffix("left") {
                            #expect(names.contains(name.replacing("left", with: "right")))
                        }
                    }
                }
            } catch {
                faults.withLock { $0.append("\(error)") }
            }
        }
        #expect(faults.withLock { $0 } == [])
        #expect(try store.load().devices.count == 120)
    }

    @Test("of writers that race for one number exactly one gets it", arguments: StoreKind.allCases)
    func race(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let store = place.store
        let taken = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 8) { writer in
            for number in 1...10 {
                do {
                    try store.commit([.audit(event(UInt64(number), "w\(writer)"))])
                    taken.withLock { $0 += 1 }
                } catch {}
            }
        }
        let numbers = try store.audit(after: 0, limit: 99).map(\.number)
        #expect(numbers.count == taken.withLock { $0 }, "each that was told yes, and no other")
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
    }

    @Test("an empty commit is one", arguments: StoreKind.allCases)
    func empty(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit([])
        #expect(try place.store.settle() == false, "nothing is unsettled")
    }
}
